//! Ports as data: a name for each, and sets of them. The bound of a handler and the list that the
//! deployment's roles are made from come from the same tokens, so they cannot differ.

use std::collections::BTreeMap;

/// A port, or a set of ports under one name.
#[derive(Debug)]
pub struct PortSet {
    /// The name of the trait that it stands beside.
    pub name: &'static str,
    /// What the name stands for.
    pub kind: PortKind,
}

/// What a [`PortSet`] is made of.
#[derive(Debug)]
pub enum PortKind {
    /// A port that calls a service of the deployment; the table of grants has a row for it.
    Remote,
    /// A port that calls no service of the deployment: no role permits anything for it.
    Local,
    /// The ports of other sets.
    Set(&'static [&'static PortSet]),
}

impl PortSet {
    /// The set without a port.
    pub const EMPTY: Self = Self { name: "", kind: PortKind::Set(&[]) };

    /// The ports of the set and of all sets in it, each once, in the order of their names.
    #[must_use]
    pub fn ports(&'static self) -> Vec<&'static Self> {
        let mut found = BTreeMap::new();
        self.collect(&mut found);
        found.into_values().collect()
    }

    fn collect(&'static self, found: &mut BTreeMap<&'static str, &'static Self>) {
        match self.kind {
            PortKind::Remote | PortKind::Local => {
                found.insert(self.name, self);
            }
            PortKind::Set(members) => members.iter().for_each(|member| member.collect(found)),
        }
    }
}

/// Declares that a trait is a port: a [`PortSet`] under the trait's name, so that one `use` imports
/// both.
///
/// `port!(GetJob)` stands beside a trait that calls a service of the deployment, `port!(Clock, local)`
/// beside one that calls none, and `port!(Execute = GetPolicy + Ids)` beside one that is implemented
/// over other ports.
#[macro_export]
macro_rules! port {
    ($name:ident) => {
        $crate::port!(@ $name $crate::PortKind::Remote);
    };
    ($name:ident, local) => {
        $crate::port!(@ $name $crate::PortKind::Local);
    };
    ($name:ident = $first:ident $(+ $other:ident)*) => {
        $crate::port!(@ $name $crate::PortKind::Set(&[&$first $(, &$other)*]));
    };
    (@ $name:ident $kind:expr) => {
        #[allow(non_upper_case_globals, reason = "it has the name of its trait")]
        #[doc = concat!("The port [`trait@", stringify!($name), "`] as data.")]
        pub const $name: $crate::PortSet =
            $crate::PortSet { name: stringify!($name), kind: $kind };

        // There is a trait of this name.
        const _: () = {
            #[allow(dead_code, reason = "it is compiled and not called")]
            fn is_trait<P: $name>() {}
        };
    };
}

/// Declares a set of ports: a trait that everything implements which implements each of them, and
/// the [`PortSet`] of the same ports under the same name.
///
/// A function that takes the set can use its ports and no other:
///
/// ```
/// use writ_model::Timestamp;
/// use writ_ports::{Clock, ports};
///
/// ports! { trait Ports = Clock; }
///
/// async fn handle(ports: &impl Ports) -> Timestamp {
///     ports.now()
/// }
/// assert_eq!(Ports.ports().len(), 1);
/// ```
///
/// ```compile_fail,E0599
/// use writ_model::Timestamp;
/// use writ_ports::{Clock, GetToken, ports};
///
/// ports! { trait Ports = Clock; }
///
/// async fn handle(ports: &impl Ports) -> Timestamp {
///     let _ = ports.get_token("a").await;
///     ports.now()
/// }
/// ```
#[macro_export]
macro_rules! ports {
    ($(#[$meta:meta])* $vis:vis trait $name:ident;) => {
        $crate::ports!(@ [$(#[$meta])*] [$vis] $name [Send Sync] []);
    };
    ($(#[$meta:meta])* $vis:vis trait $name:ident = $first:ident $(+ $other:ident)*;) => {
        $crate::ports!(@ [$(#[$meta])*] [$vis] $name [$first $($other)*] [$first $($other)*]);
    };
    (@ [$($meta:tt)*] [$vis:vis] $name:ident [$($bound:ident)+] [$($member:ident)*]) => {
        $($meta)*
        $vis trait $name: $($bound +)+ {}

        impl<P: $($bound +)+> $name for P {}

        #[allow(non_upper_case_globals, reason = "it has the name of its trait")]
        #[allow(dead_code, unreachable_pub, reason = "a set may be a bound alone")]
        #[doc = concat!("The ports of [`trait@", stringify!($name), "`] as data.")]
        $vis const $name: $crate::PortSet = $crate::PortSet {
            name: stringify!($name),
            kind: $crate::PortKind::Set(&[$(&$member),*]),
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, GetBody, GetPolicy};

    ports! {
        #[allow(dead_code, reason = "the list is read alone")]
        trait Registry = GetPolicy + GetBody;
    }

    ports! {
        #[allow(dead_code, reason = "the list is read alone")]
        trait Timed = Registry + Clock + GetPolicy;
    }

    ports! {
        #[allow(dead_code, reason = "the list is read alone")]
        trait Nothing;
    }

    #[test]
    fn a_set_has_the_ports_of_the_sets_in_it_each_once_by_name() {
        let names = |set: &'static PortSet| -> Vec<_> {
            set.ports().into_iter().map(|port| port.name).collect()
        };
        assert_eq!(names(&Timed), ["Clock", "GetBody", "GetPolicy"]);
        assert_eq!(names(&GetBody), ["GetBody"]);
        assert!(names(&Nothing).is_empty());
        assert!(names(&PortSet::EMPTY).is_empty());
    }
}
