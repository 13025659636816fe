//! Where the names of hosts may lead.
//!
//! Where nobody said which repositories may be fetched, or which receivers may be told, a name that
//! leads into this machine's networks is refused as an address in them is. What the operator allows by
//! name may lie anywhere.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::source::address::{AllowList, is_outside};

/// Variables that name a proxy; it is the operator's own choice and may lie anywhere.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "HTTP_PROXY",
    "http_proxy",
];

/// Which hosts a name may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Whatever it names was allowed.
    Anywhere,
    /// Only what lies outside of this machine and its networks.
    Outside,
}

impl Reach {
    /// What an allow-list leaves to names.
    pub fn of(allowed: &AllowList) -> Self {
        match allowed.is_empty() {
            true => Self::Outside,
            false => Self::Anywhere,
        }
    }

    /// The addresses of a host that may be used; an error if there are none.
    fn among(
        self,
        host: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<SocketAddr> = found.collect();
        let internal = found
            .iter()
            .find(|address| !is_outside(address.ip()))
            .copied();
        let may = |address: &SocketAddr| self == Self::Anywhere || is_outside(address.ip());
        let kept: Vec<SocketAddr> = found.into_iter().filter(may).collect();
        match (kept.is_empty(), internal) {
            (true, Some(address)) => Err(io::Error::other(format!(
                "`{host}` is {} here, which is this machine or an internal network; allow it by name first",
                address.ip()
            ))),
            (true, None) => Err(io::Error::other(format!("`{host}` has no address"))),
            (false, _) => Ok(kept),
        }
    }

    /// The address at which a host may be reached, for a program that would look the name up itself;
    /// `None` where it may. Blocks.
    pub(super) fn pinned(self, host: &str, port: u16) -> io::Result<Option<IpAddr>> {
        if self == Self::Anywhere {
            return Ok(None);
        }
        let found = self.among(host, (host, port).to_socket_addrs()?)?;
        Ok(found.first().map(SocketAddr::ip))
    }

    /// The client's way to look names up; `None` for the usual one.
    pub(super) fn resolver(self) -> Option<Arc<dyn Resolve>> {
        let proxies = PROXIES.iter().filter_map(|name| std::env::var(name).ok());
        let hosts =
            proxies.filter_map(|text| Url::parse(&text).ok()?.host_str().map(str::to_owned));
        self.beside(hosts.collect())
    }

    /// The same for a client that uses no proxy.
    pub(super) fn direct(self) -> Option<Arc<dyn Resolve>> {
        self.beside(Vec::new())
    }

    fn beside(self, proxies: Vec<String>) -> Option<Arc<dyn Resolve>> {
        (self == Self::Outside).then(|| Arc::new(Outside { proxies }) as Arc<dyn Resolve>)
    }

    /// The addresses of a host that may be used.
    pub(super) async fn addresses(self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = tokio::net::lookup_host((host, port)).await?;
        self.among(host, found)
    }
}

/// Looks up names that must lead outside.
struct Outside {
    proxies: Vec<String>,
}

impl Resolve for Outside {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let reach = match self.proxies.contains(&host) {
            true => Reach::Anywhere,
            false => Reach::Outside,
        };
        Box::pin(async move {
            // The client puts the port in place.
            let kept = reach.addresses(&host, 0).await?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(reach: Reach, found: &[&str]) -> Result<Vec<String>, String> {
        let found = found
            .iter()
            .map(|text| SocketAddr::new(text.parse().unwrap(), 443));
        let kept = reach.among("git.example", found);
        kept.map(|kept| kept.iter().map(|a| a.ip().to_string()).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn s_11_names_that_lead_inside_are_refused_unless_allowed() {
        for inside in [
            "127.0.0.1",
            "::1",
            "169.254.169.254",
            "10.0.0.5",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.5",
            "64:ff9b::10.0.0.5",
            "2002:a9fe:a9fe::1",
        ] {
            let said = among(Reach::Outside, &[inside]).unwrap_err();
            assert!(
                said.contains("`git.example` is") && said.contains("allow it by name"),
                "{said}"
            );
            assert_eq!(
                among(Reach::Anywhere, &[inside]).unwrap().len(),
                1,
                "{inside}"
            );
            let both = among(Reach::Outside, &[inside, "203.0.113.7"]);
            assert_eq!(both.unwrap(), ["203.0.113.7"], "{inside}");
        }
        assert_eq!(
            among(Reach::Outside, &["2001:db8::1"]).unwrap(),
            ["2001:db8::1"]
        );
        assert!(
            among(Reach::Anywhere, &[])
                .unwrap_err()
                .contains("no address")
        );
    }

    #[test]
    fn s_11_a_list_of_what_is_allowed_says_where_names_may_lead() {
        assert_eq!(Reach::of(&AllowList::default()), Reach::Outside);
        let named = AllowList::parse(["https://git.example/*"]).unwrap();
        assert_eq!(Reach::of(&named), Reach::Anywhere);
        // Whatever a machine calls itself.
        assert!(Reach::Outside.pinned("localhost", 22).is_err());
        assert_eq!(Reach::Anywhere.pinned("localhost", 22).unwrap(), None);
    }
}
