//! Where somebody may be sent in a tenant's name: to hosts of the outside and to the tenant's own Services.
//! What only the cluster knows is somebody else's. The policy `kubemate-reach` says the same at the API server.

use super::Tenant;
use crate::kinds::Scope;
use crate::values::url::Url;

impl Tenant {
    /// Whether somebody may be sent to a URL in the tenant's name. Here it is known which namespaces are those of
    /// others, so `NAME.NAMESPACE` is told from a host.
    pub fn may_name(&self, url: &Url, scope: &Scope<'_>) -> bool {
        let own: Vec<String> = self.namespaces(scope).into_iter().map(|(_, namespace, _)| namespace).collect();
        let others = scope.platforms::<Self>().filter(|(_, other)| other.name != self.name);
        let mut theirs = others.flat_map(|(_, other)| other.namespaces(scope));
        let host = url.host();
        leads_in(url.as_str(), &own) && !theirs.any(|(_, namespace, _)| host.ends_with(&format!(".{namespace}")))
    }
}

/// Whether a URL, or a host with its port, leads to the outside or to a Service in one of these namespaces.
pub fn leads_in(address: &str, namespaces: &[String]) -> bool {
    let whole = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let url = url::Url::parse(&whole).ok();
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
    own(host, namespaces) || outside(host)
}

/// Whether the name of a host may stand for a Service. One of two parts could be that of a Service and its
/// namespace, so it has a dot at its end.
pub fn may_stand(host: &str, namespaces: &[String]) -> bool {
    own(host, namespaces) || (outside(host) && host.split('.').count() > 2)
}

fn own(host: &str, namespaces: &[String]) -> bool {
    let ends = ["", ".svc", ".svc.cluster.local"];
    let mut all = namespaces.iter().flat_map(|own| ends.map(|end| format!(".{own}{end}")));
    all.any(|end| host.ends_with(&end))
}

/// Whether a host is one of the outside: it ends with letters, as no address and few namespaces do.
fn outside(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let labels: Vec<&str> = name.split('.').collect();
    let [first, between @ .., last] = labels.as_slice() else {
        return false;
    };
    let letter = |c: char| c.is_ascii_lowercase();
    let sound = |label: &&str| {
        !label.is_empty() && label.chars().all(|c| letter(c) || c.is_ascii_digit() || matches!(c, '-' | '_'))
    };
    let ends = last.starts_with("xn--") || last.chars().all(letter);
    let service = ["svc", "default", "localhost"].contains(last)
        || between.contains(&"svc")
        || name.ends_with(".cluster.local");
    let pod = first.chars().all(|c| c.is_ascii_hexdigit() || c == '-') && labels.get(2) == Some(&"pod");
    let machine = ["metadata", "instance-data"].contains(first) && ["google", "internal"].contains(last);
    labels.iter().all(sound) && ends && !service && !pod && !machine
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespaces() -> Vec<String> {
        ["shop", "shop-prod"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_outside_and_ones_own_are_told_from_the_rest() {
        for url in [
            "https://tests.bank/smoke", "https://auth.partner.example:8443", "http://a.xn--p1ai/", "probe.partner.example:443",
            "http://login.shop.svc:80/", "http://login.shop", "http://login.shop-prod.svc.cluster.local",
        ] {
            assert!(leads_in(url, &namespaces()), "{url}");
        }
        for url in [
            "http://login", "login.pay.svc:80", "http://login.pay-prod", "http://login.pay.svc", "http://login.pay.svc.cluster.local.",
            "http://login.pay.svc.other.domain", "https://kubernetes.default", "http://10.0.0.9/", "http://[::1]/",
            "http://2130706433/", "http://169.254.169.254/latest", "http://metadata.google.internal/",
            "http://10-0-0-9.pay.pod.cluster.local", "http://10-0-0-9.pay.pod", "http://shop@login.pay.svc/", "nothing",
        ] {
            assert!(!leads_in(url, &namespaces()), "{url}");
        }
    }

    #[test]
    fn a_name_of_two_parts_may_be_that_of_a_service() {
        assert!(may_stand("api.partner.example", &namespaces()));
        assert!(may_stand("partner.example.", &namespaces()));
        assert!(may_stand("svc.partner.example", &namespaces()));
        assert!(!may_stand("login.pay", &namespaces()));
        assert!(!may_stand("10.0.0.9", &namespaces()));
    }
}
