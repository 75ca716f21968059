//! The type of the route table. One table feeds the gateway, the Lambda programs, the access check,
//! the OpenAPI document, the roles and the templates.

use std::future::Future;
use std::pin::Pin;

use http::Method;
use writ_model::Error;
use writ_ports::PortSet;

use crate::{Reply, Request};

/// A future on the heap that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The future of a handler's reply.
pub type HandlerFuture<'a> = BoxFuture<'a, Result<Reply, Error>>;

/// A handler over ports of type `P`.
pub type Handler<P> = for<'a> fn(&'a P, Request) -> HandlerFuture<'a>;

/// What a route does to stored state; the access policy decides by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessLevel {
    /// Reads, and changes nothing.
    Read,
    /// Runs policies, now or later.
    Execute,
    /// Changes the policy registry.
    MutatePolicy,
    /// Changes the rights of callers.
    Admin,
}

impl AccessLevel {
    /// Every level, the weakest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Execute, Self::MutatePolicy, Self::Admin];

    /// The name, as the access policy spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Execute => "execute",
            Self::MutatePolicy => "mutate-policy",
            Self::Admin => "admin",
        }
    }
}

/// The format of replies and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `{"success": true, "data": ...}` and problem documents.
    Writ,
}

/// A query parameter or header that a route reads.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name; a header's starts with a capital letter.
    pub name: &'static str,
    /// What it means, with bounds.
    pub description: &'static str,
}

impl Param {
    /// Whether it is a header.
    pub(crate) fn is_header(&self) -> bool {
        self.name.starts_with(|c: char| c.is_ascii_uppercase())
    }
}

/// Everything that is known of a route apart from its code.
#[derive(Clone, Debug)]
pub struct RouteSpec {
    /// `resource.verb`: the operation id, the Lambda's handler name, the access policy's action.
    pub name: &'static str,
    /// The HTTP method of requests.
    pub method: Method,
    /// Path, with `{name}` for a segment.
    pub path: &'static str,
    /// What the route does to what is stored; the access policy decides by it.
    pub access_level: AccessLevel,
    /// The format of replies.
    pub dialect: Dialect,
    /// One sentence for the reference page.
    pub summary: &'static str,
    /// Schema name of the JSON body; `None` where the route reads no body. A component of
    /// [`openapi`](crate::openapi()).
    pub body: Option<&'static str>,
    /// Schema name of the reply's `data`; `X[]` is a list of `X`, `XPage` one page of it with the
    /// `next_token` of the next.
    pub data: &'static str,
    /// The HTTP status of success.
    pub success: u16,
    /// Query parameters and headers beyond the ones that every route reads. A query parameter that
    /// is not here is refused by [`serve`](crate::serve()).
    pub params: &'static [Param],
    /// The ports that the handler may use. [`binary!`](crate::binary) fills them in, from the set
    /// that bounds the handler.
    pub ports: &'static PortSet,
}

impl RouteSpec {
    /// What most routes have in common, for `..RouteSpec::DEFAULT`. A route that does not state its
    /// access level is for admins alone.
    pub const DEFAULT: Self = Self {
        name: "",
        method: Method::GET,
        path: "",
        access_level: AccessLevel::Admin,
        dialect: Dialect::Writ,
        summary: "",
        body: None,
        data: "",
        success: 200,
        params: &[],
        ports: &PortSet::EMPTY,
    };

    /// Whether `Idempotency-Key` is honoured: on each POST that does something.
    #[must_use]
    pub fn is_idempotent_by_key(&self) -> bool {
        self.method == Method::POST && self.access_level != AccessLevel::Read
    }
}

/// The routes that one program serves on AWS: a module with its `NAME`, its `SPECS`, the set of all
/// ports that its routes need, `Ports`, and its `routes` over everything that has these ports.
///
/// A resource has a program of its own, and a second one where some of its routes need what the
/// others should not carry, like the engines.
///
/// Each route is a module with a `SPEC`, a set of ports `Ports` and a `handle` that takes these and
/// no other: a handler that asks for more than its `Ports` does not compile.
///
/// ```
/// mod library {
///     mod get {
///         use writ_edge::{Reply, Request, RouteSpec};
///         use writ_model::Error;
///         use writ_ports::{Clock, ports};
///
///         pub(crate) const SPEC: RouteSpec = RouteSpec { name: "thing.get", ..RouteSpec::DEFAULT };
///
///         ports! { pub trait Ports = Clock; }
///
///         pub(crate) async fn handle(ports: &impl Ports, _: Request) -> Result<Reply, Error> {
///             Ok(Reply::data(&ports.now().as_ms().to_string()))
///         }
///     }
///
///     writ_edge::binary! {
///         /// Serves things.
///         things = "things" serves [get]
///     }
/// }
/// assert_eq!(library::things::SPECS[0].ports.ports()[0].name, "Clock");
/// ```
///
/// ```compile_fail,E0277
/// mod library {
///     mod get {
///         use writ_edge::{Reply, Request, RouteSpec};
///         use writ_model::Error;
///         use writ_ports::{Clock, GetToken, ports};
///
///         pub(crate) const SPEC: RouteSpec = RouteSpec { name: "thing.get", ..RouteSpec::DEFAULT };
///
///         ports! { pub trait Ports = Clock; }
///
///         pub(crate) async fn handle(ports: &(impl Ports + GetToken), _: Request) -> Result<Reply, Error> {
///             Ok(Reply::data(&ports.now().as_ms().to_string()))
///         }
///     }
///
///     writ_edge::binary! {
///         /// Serves things.
///         things = "things" serves [get]
///     }
/// }
/// ```
#[macro_export]
macro_rules! binary {
    (
        $(#[$doc:meta])*
        $module:ident = $name:literal serves [$($route:ident),+ $(,)?]
    ) => {
        $(#[$doc])*
        pub mod $module {
            /// The name of the program.
            pub const NAME: &str = $name;

            /// Every port that a route of the program needs.
            pub trait Ports: $(super::$route::Ports +)+ {}

            impl<P: $(super::$route::Ports +)+> Ports for P {}

            /// What is known of its routes.
            pub const SPECS: &[$crate::RouteSpec] = &[$($crate::RouteSpec {
                ports: &super::$route::Ports,
                ..super::$route::SPEC
            }),+];

            /// The routes of the program.
            #[must_use]
            pub fn routes<P: Ports>() -> Vec<$crate::Route<P>> {
                // Each is bound by its own ports alone, so that its handler can take no other.
                $(fn $route<P: super::$route::Ports>(
                    ports: &P,
                    request: $crate::Request,
                ) -> $crate::HandlerFuture<'_> {
                    Box::pin(super::$route::handle(ports, request))
                })+
                let handlers = [$($route::<P> as $crate::Handler<P>),+];
                let route = |(spec, handle): (&$crate::RouteSpec, $crate::Handler<P>)| {
                    $crate::Route { spec: spec.clone(), handle }
                };
                SPECS.iter().zip(handlers).map(route).collect()
            }
        }
    };
}

/// A route over ports of type `P`.
pub struct Route<P> {
    /// What is known of it.
    pub spec: RouteSpec,
    /// The function that answers requests.
    pub handle: Handler<P>,
}

/// A route for tests.
#[cfg(test)]
pub(crate) mod fixture {
    use writ_testing::MemoryPlatform;

    use super::*;

    /// [`crate::serve()`] without a deadline, finished as a host does it.
    pub(crate) async fn serve(
        ports: &MemoryPlatform,
        route: &Route<MemoryPlatform>,
        request: Request,
    ) -> Reply {
        let request_id = request.request_id.clone();
        let reply = crate::serve(ports, route, request, std::future::pending()).await;
        reply.with_common_headers(&request_id)
    }

    /// `/thing`, with this handler.
    pub(crate) fn route(method: Method, handle: Handler<MemoryPlatform>) -> Route<MemoryPlatform> {
        let spec = RouteSpec {
            name: "thing.do",
            method,
            path: "/thing",
            access_level: AccessLevel::Execute,
            summary: "Does the thing.",
            data: "Output",
            ..RouteSpec::DEFAULT
        };
        Route { spec, handle }
    }
}
