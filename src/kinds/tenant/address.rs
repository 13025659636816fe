//! Where somebody may be sent in a tenant's name: to hosts of the outside and to the tenant's own Services.
//! What only the cluster knows is somebody else's. The policy `kubemate-reach` says the same at the API server.

use super::Tenant;
use crate::kinds::Scope;

/// What the settings of triggers end with that are hosts, in small letters.
const ASKED: [&str; 8] = ["address", "addresses", "endpoint", "endpoints", "server", "servers", "host", "hosts"];

impl Tenant {
    /// Whether somebody may be sent to a URL, or to a host with its port, in the tenant's name. Here it is known which
    /// namespaces are those of others, so `NAME.NAMESPACE` is told from a host.
    pub fn may_reach(&self, address: &str, scope: &Scope<'_>) -> bool {
        let own: Vec<String> = self.namespaces(scope).into_iter().map(|(_, namespace, _)| namespace).collect();
        let others = scope.platforms::<Self>().filter(|(_, other)| other.name != self.name);
        let mut theirs = others.flat_map(|(_, other)| other.namespaces(scope));
        let host = host(address);
        leads_in(address, &own) && !theirs.any(|(_, namespace, _)| host.ends_with(&format!(".{namespace}")))
    }
}

/// Whether a URL, or a host with its port, leads to the outside or to a Service in one of these namespaces.
pub fn leads_in(address: &str, namespaces: &[String]) -> bool {
    let host = host(address);
    own(&host, namespaces) || outside(&host)
}

/// The host of a URL, or of a host with its port; empty where there is none.
fn host(address: &str) -> String {
    let whole = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let url = url::Url::parse(&whole).ok();
    url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

/// The addresses in a setting of a trigger, whom KEDA asks: URLs, and hosts where KEDA's word for it says that it is one.
pub fn asked<'v>(key: &str, value: &'v str) -> Vec<&'v str> {
    let word = key.to_ascii_lowercase();
    let named = ASKED.iter().any(|end| word.ends_with(end)) && !["true", "false"].contains(&value);
    let scheme = |scheme: &str| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
    };
    let whole = value.split_once("://").is_some_and(|(before, _)| scheme(before));
    if !named && !whole {
        return Vec::new();
    }
    value.split(',').map(str::trim).filter(|one| !one.is_empty()).collect()
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
    fn a_setting_of_a_trigger_is_an_address_by_its_form_or_its_name() {
        assert_eq!(asked("bootstrapServers", "a.bank:9092, b.bank:9092"), ["a.bank:9092", "b.bank:9092"]);
        assert_eq!(asked("url", "http://a.bank/x"), ["http://a.bank/x"]);
        for (key, value) in [("topic", "orders"), ("hostFromEnv", "HOST"), ("aggregateFromKubeServiceEndpoints", "true"), ("query", "a{b=\"http://c\"}")] {
            assert!(asked(key, value).is_empty(), "{key}");
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
