//! Addresses and ports: "10.20.0.0/16", "10.0.0.1", 8443, "https".

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;

use ipnet::IpNet;

use crate::names::PortName;
use crate::names::grammar::{Grammar, Numbers, ValueError};

/// A range of addresses without host bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNet);

impl Cidr {
    /// The range.
    pub const fn net(self) -> IpNet {
        self.0
    }

    /// Whether an address lies inside.
    pub fn contains(self, address: IpAddress) -> bool {
        self.0.contains(&address.0)
    }
}

impl Grammar for Cidr {
    const FORMAT: &'static str = "cidr";
    const WHAT: &'static str = "a range of addresses";
    const ALLOWED: &'static str = "write the first address, `/` and the length of the prefix";
    const EXAMPLE: &'static str = "10.20.0.0/16";

    fn read(text: &str) -> Result<Self, ValueError> {
        let refuse = |reason: String| Err(ValueError::refuse::<Self>(reason));
        if text.parse::<IpAddr>().is_ok() {
            return refuse("the length of the prefix is missing".to_owned());
        }
        match text.parse::<IpNet>() {
            Err(_) => refuse("it has no valid address and prefix".to_owned()),
            Ok(net) if net != net.trunc() => refuse(format!(
                "the range starts at {}, the rest is an address in it",
                net.network()
            )),
            Ok(net) => Ok(Self(net)),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim();
        let address = text
            .parse::<IpAddr>()
            .map(|address| IpNet::from(address).to_string());
        let range = text.parse::<IpNet>().map(|net| net.trunc().to_string());
        address.into_iter().chain(range).collect()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IpAddress(IpAddr);

impl IpAddress {
    /// The address.
    pub const fn addr(self) -> IpAddr {
        self.0
    }
}

impl Grammar for IpAddress {
    const FORMAT: &'static str = "ip-address";
    const WHAT: &'static str = "an IP address";
    const ALLOWED: &'static str = "write an IPv4 or IPv6 address";
    const EXAMPLE: &'static str = "10.20.0.1";

    fn read(text: &str) -> Result<Self, ValueError> {
        let reason = match text {
            "" => "it is empty",
            text if text.contains('/') => "it is a range",
            _ => "its parts are not those of an address",
        };
        text.parse()
            .map(Self)
            .map_err(|_| ValueError::refuse::<Self>(reason))
    }

    fn guess(text: &str) -> Vec<String> {
        let text = text.trim().trim_start_matches('[').trim_end_matches(']');
        let bare = |part: &str| match part.trim_start_matches('0') {
            "" => "0".to_owned(),
            part => part.to_owned(),
        };
        let dotted = text.split('.').map(bare).collect::<Vec<_>>().join(".");
        let address = text.split_once('/').map(|(address, _)| address.to_owned());
        [Some(text.to_owned()), address, Some(dotted)]
            .into_iter()
            .flatten()
            .collect()
    }
}

impl fmt::Display for IpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a port, from 1 to 65535.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(NonZeroU16);

impl Port {
    /// The number.
    pub const fn number(self) -> u16 {
        self.0.get()
    }
}

impl Grammar for Port {
    const FORMAT: &'static str = "port";
    const WHAT: &'static str = "a port";
    const ALLOWED: &'static str = "write a number from 1 to 65535";
    const EXAMPLE: &'static str = "8443";
    const NUMBERS: Numbers = Numbers::Whole(1, 65535);

    fn read(text: &str) -> Result<Self, ValueError> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let port = if text.starts_with('0') {
            None
        } else {
            text.parse().ok()
        };
        match (digits, port) {
            (false, _) => Err(ValueError::refuse::<Self>("it is not a whole number")),
            (true, None) => Err(ValueError::refuse::<Self>("it is outside the range")),
            (true, Some(port)) => Ok(Self(port)),
        }
    }

    fn guess(text: &str) -> Vec<String> {
        vec![text.trim().trim_start_matches([':', '0']).to_owned()]
    }

    fn number(&self) -> Option<i64> {
        Some(self.0.get().into())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A port by its number or by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortRef {
    /// By its number.
    Number(Port),
    /// By its name.
    Name(PortName),
}

impl Grammar for PortRef {
    const FORMAT: &'static str = "port-ref";
    const WHAT: &'static str = "a port";
    const ALLOWED: &'static str = "write the name of a port or a number from 1 to 65535";
    const EXAMPLE: &'static str = "http";
    const NUMBERS: Numbers = Numbers::Whole(1, 65535);

    fn read(text: &str) -> Result<Self, ValueError> {
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            let range = |_| ValueError::refuse::<Self>("the number is outside the range");
            return Port::read(text).map(Self::Number).map_err(range);
        }
        let reason = |reason| ValueError::refuse::<Self>(reason);
        crate::names::port(text, PortName::MAX).map_err(reason)?;
        PortName::read(text).map(Self::Name)
    }

    fn guess(text: &str) -> Vec<String> {
        [Port::guess(text), PortName::guess(text)].concat()
    }

    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(port) => Some(port.0.get().into()),
            Self::Name(_) => None,
        }
    }
}

impl fmt::Display for PortRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(port) => port.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}
