//! Addresses and networks, as cel-go's and Kubernetes' extension defines them: `ip()`, `cidr()` and
//! their methods.

use std::any::Any;
use std::net::IpAddr;
use std::sync::LazyLock;

use cel::common::types::{CelBool, CelInt, CelString, STRING_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{DeclarationError, Env, ExecutionError};

static IP_TYPE: LazyLock<Type> = LazyLock::new(ip_type);
static CIDR_TYPE: LazyLock<Type> = LazyLock::new(cidr_type);

fn ip_type() -> Type {
    Type::new_opaque_type("net.IP")
}

fn cidr_type() -> Type {
    Type::new_opaque_type("net.CIDR")
}

/// An address, of type `net.IP`.
#[derive(Clone, Copy, Debug)]
struct Ip(IpAddr);

/// A network, of type `net.CIDR`; the address may have bits beyond the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Val for Ip {
    fn get_type(&self) -> &Type {
        &IP_TYPE
    }

    fn cel_type() -> &'static Type {
        &IP_TYPE
    }

    fn equals(&self, other: &dyn Val) -> bool {
        let other = other.downcast_ref::<Self>();
        other.is_some_and(|other| self.0.to_canonical() == other.0.to_canonical())
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Ip {}

impl Val for Cidr {
    fn get_type(&self) -> &Type {
        &CIDR_TYPE
    }

    fn cel_type() -> &'static Type {
        &CIDR_TYPE
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| self == other)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(*self)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Cidr {}

impl Ip {
    fn parse(text: &str) -> Result<Self, String> {
        if text.contains('%') {
            return Err(format!("IP Address '{text}' with zone value is not allowed"));
        }
        let address: IpAddr = text.parse().map_err(|_| {
            format!("IP Address '{text}' parse error during conversion from string")
        })?;
        if address.is_ipv6() && text.contains('.') {
            return Err(format!("IP Address '{text}': IPv4-mapped IPv6 address is not allowed"));
        }
        Ok(Self(address))
    }

    fn is_link_local_multicast(self) -> bool {
        match self.0.to_canonical() {
            IpAddr::V4(address) => matches!(address.octets(), [224, 0, 0, _]),
            IpAddr::V6(address) => {
                address.segments().first().is_some_and(|it| it & 0xff0f == 0xff02)
            }
        }
    }

    fn is_link_local_unicast(self) -> bool {
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        }
    }

    fn is_global_unicast(self) -> bool {
        let address = self.0.to_canonical();
        let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        !(is_broadcast
            || address.is_unspecified()
            || address.is_loopback()
            || address.is_multicast()
            || self.is_link_local_unicast())
    }
}

impl Cidr {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("network address parse error during conversion from string: '{text}'");
        let (address, prefix) = text.rsplit_once('/').ok_or_else(wrong)?;
        if address.contains('%') {
            return Err(format!("CIDR with zone value is not allowed: '{text}'"));
        }
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
            return Err(format!("IPv4-mapped IPv6 address is not allowed: '{text}'"));
        }
        let is_number = prefix.bytes().all(|byte| byte.is_ascii_digit())
            && (prefix.len() == 1 || !prefix.starts_with('0'));
        let prefix = prefix.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        if prefix > bits_max { Err(wrong()) } else { Ok(Self { address, prefix }) }
    }

    /// The network that holds `address`, with this prefix.
    fn around(self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        }
    }

    fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4()
            && self.around(self.address) == self.around(address)
    }

    fn contains_network(self, other: Self) -> bool {
        other.prefix >= self.prefix && self.contains(other.address)
    }

    fn masked(self) -> Self {
        Self { address: self.around(self.address), prefix: self.prefix }
    }
}

type Arguments<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn text<'a>(
    name: &str,
    arguments: &'a Arguments<'_, '_>,
    index: usize,
) -> Result<&'a str, ExecutionError> {
    let argument = arguments.get(index).and_then(|it| it.downcast_ref::<CelString<'_>>());
    argument
        .map(|text| text.inner())
        .ok_or_else(|| ExecutionError::function_error(name, "the argument is no string"))
}

/// The address that is an argument or is written in it.
fn address(name: &str, arguments: &Arguments<'_, '_>, index: usize) -> Result<Ip, ExecutionError> {
    match arguments.get(index).and_then(|it| it.downcast_ref::<Ip>()) {
        Some(ip) => Ok(*ip),
        None => Ip::parse(text(name, arguments, index)?)
            .map_err(|message| ExecutionError::function_error(name, message)),
    }
}

/// The network that is an argument or is written in it.
fn network(
    name: &str,
    arguments: &Arguments<'_, '_>,
    index: usize,
) -> Result<Cidr, ExecutionError> {
    match arguments.get(index).and_then(|it| it.downcast_ref::<Cidr>()) {
        Some(cidr) => Ok(*cidr),
        None => Cidr::parse(text(name, arguments, index)?)
            .map_err(|message| ExecutionError::function_error(name, message)),
    }
}

fn boolean<'b, 'v>(value: bool) -> Outcome<'b, 'v> {
    Ok(CowVal::owned(CelBool::from(value)))
}

fn integer<'b, 'v>(value: i64) -> Outcome<'b, 'v> {
    Ok(CowVal::owned(CelInt::from(value)))
}

fn string<'b, 'v>(value: String) -> Outcome<'b, 'v> {
    Ok(CowVal::owned(CelString::from(value)))
}

/// Declares the types and functions in an environment.
pub(super) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    environment.add_type(ip_type())?;
    environment.add_type(cidr_type())?;
    let of_text = || vec![STRING_TYPE];
    environment.add_overload("ip", "string_to_ip", of_text(), |them| {
        Ok(CowVal::owned(address("ip", &them, 0)?))
    })?;
    environment.add_overload("cidr", "string_to_cidr", of_text(), |them| {
        Ok(CowVal::owned(network("cidr", &them, 0)?))
    })?;
    environment.add_overload("isIP", "is_ip", of_text(), |them| {
        boolean(Ip::parse(text("isIP", &them, 0)?).is_ok())
    })?;
    environment.add_overload("isCIDR", "is_cidr", of_text(), |them| {
        boolean(Cidr::parse(text("isCIDR", &them, 0)?).is_ok())
    })?;
    environment.add_overload("ip.isCanonical", "ip_is_canonical", of_text(), |them| {
        let ip = address("ip.isCanonical", &them, 0)?;
        boolean(ip.0.to_string() == text("ip.isCanonical", &them, 0)?)
    })?;
    environment.add_overload("string", "ip_to_string", vec![ip_type()], |them| {
        string(address("string", &them, 0)?.0.to_string())
    })?;
    environment.add_overload("string", "cidr_to_string", vec![cidr_type()], |them| {
        let Cidr { address, prefix } = network("string", &them, 0)?;
        string(format!("{address}/{prefix}"))
    })?;
    declare_of_addresses(environment)?;
    declare_of_networks(environment)
}

fn declare_of_addresses(environment: &mut Env) -> Result<(), DeclarationError> {
    let mut add = |name: &str, id: &str, function| {
        environment.add_member_overload(name, id, ip_type(), Vec::new(), function)
    };
    add("family", "ip_family", |them| {
        integer(if address("family", &them, 0)?.0.is_ipv4() { 4 } else { 6 })
    })?;
    add("isUnspecified", "ip_is_unspecified", |them| {
        boolean(address("isUnspecified", &them, 0)?.0.to_canonical().is_unspecified())
    })?;
    add("isLoopback", "ip_is_loopback", |them| {
        boolean(address("isLoopback", &them, 0)?.0.to_canonical().is_loopback())
    })?;
    add("isGlobalUnicast", "ip_is_global_unicast", |them| {
        boolean(address("isGlobalUnicast", &them, 0)?.is_global_unicast())
    })?;
    add("isLinkLocalMulticast", "ip_is_link_local_multicast", |them| {
        boolean(address("isLinkLocalMulticast", &them, 0)?.is_link_local_multicast())
    })?;
    add("isLinkLocalUnicast", "ip_is_link_local_unicast", |them| {
        boolean(address("isLinkLocalUnicast", &them, 0)?.is_link_local_unicast())
    })
}

fn declare_of_networks(environment: &mut Env) -> Result<(), DeclarationError> {
    let mut add = |name: &str, id: &str, arguments, function| {
        environment.add_member_overload(name, id, cidr_type(), arguments, function)
    };
    for (kind, id) in [(ip_type(), "contains_ip"), (STRING_TYPE, "contains_ip_string")] {
        add("containsIP", id, vec![kind], |them| {
            let cidr = network("containsIP", &them, 0)?;
            boolean(cidr.contains(address("containsIP", &them, 1)?.0))
        })?;
    }
    for (kind, id) in [(cidr_type(), "contains_cidr"), (STRING_TYPE, "contains_cidr_string")] {
        add("containsCIDR", id, vec![kind], |them| {
            let cidr = network("containsCIDR", &them, 0)?;
            boolean(cidr.contains_network(network("containsCIDR", &them, 1)?))
        })?;
    }
    add("ip", "cidr_ip", Vec::new(), |them| {
        Ok(CowVal::owned(Ip(network("ip", &them, 0)?.address)))
    })?;
    add("masked", "cidr_masked", Vec::new(), |them| {
        Ok(CowVal::owned(network("masked", &them, 0)?.masked()))
    })?;
    add("prefixLength", "cidr_prefix_length", Vec::new(), |them| {
        integer(i64::from(network("prefixLength", &them, 0)?.prefix))
    })
}
