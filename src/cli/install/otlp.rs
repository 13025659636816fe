//! The collector that the controller sends its traces to: a variable of its Deployment, and a way out to the
//! collector's port. Credentials are no part of the address.

use super::place;

/// Ports that the NetworkPolicy lets the controller out on anyway.
const OPEN: [u16; 2] = [443, 6443];

/// Where a collector is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Collector {
    address: String,
    port: u16,
}

/// Reads the address of a collector.
pub(super) fn collector(text: &str) -> Result<Collector, String> {
    let help = "write http://HOST:4318 or https://HOST, without a user, a password or parameters";
    let url = url::Url::parse(text).map_err(|_| help.to_owned())?;
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let known = matches!(url.scheme(), "http" | "https") && url.has_host();
    match url.port_or_known_default().filter(|_| bare && known) {
        Some(port) => Ok(Collector {
            address: url.to_string().trim_end_matches('/').to_owned(),
            port,
        }),
        None => Err(help.to_owned()),
    }
}

/// The manifests with a collector.
pub(super) fn named(text: &str, collector: &Collector) -> String {
    let Collector { address, port } = collector;
    let address = serde_json::Value::from(address.as_str());
    let variable =
        format!("        - name: OTEL_EXPORTER_OTLP_ENDPOINT\n          value: {address}\n");
    let text = place(text, "        - name: POD_NAME\n", &variable);
    if OPEN.contains(port) {
        return text;
    }
    let way = format!("    - port: {port}\n      protocol: TCP\n");
    place(&text, "    - port: 6443\n", &way)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Mode, manifests};
    use super::*;

    /// The Deployment's variables, and the ports that the controller is let out on.
    fn printed(address: &str) -> (Vec<Value>, Vec<Value>) {
        let plain = manifests(Mode::Observe, "kubemate:1", None, "kind: X\n").unwrap();
        let text = named(&plain, &collector(address).unwrap());
        let all: Vec<Value> = text
            .split("---\n")
            .map(|part| serde_saphyr::from_str(part).unwrap())
            .collect();
        let one = |kind: &str| all.iter().find(|d| d["kind"] == kind).unwrap();
        let pod = &one("Deployment")["spec"]["template"]["spec"];
        let ways = one("NetworkPolicy")["spec"]["egress"].as_array().unwrap();
        let ports = ways.iter().flat_map(|way| way["ports"].as_array().unwrap());
        let variables = pod["containers"][0]["env"].as_array().unwrap();
        (
            variables.clone(),
            ports.map(|p| p["port"].clone()).collect(),
        )
    }

    #[test]
    fn the_controller_is_told_where_and_let_out_on_that_port() {
        let (variables, ports) = printed("http://collector.monitoring:4318/");
        let told = json!({
            "name": "OTEL_EXPORTER_OTLP_ENDPOINT",
            "value": "http://collector.monitoring:4318",
        });
        assert!(variables.contains(&told), "{variables:?}");
        assert!(variables.iter().any(|v| v["name"] == "POD_NAME"));
        assert!(ports.contains(&json!(4318)), "{ports:?}");
        let (_, more) = printed("https://collector.bank.example/otlp");
        assert_eq!(more.len() + 1, ports.len(), "443 is open anyway: {more:?}");
    }

    #[test]
    fn an_address_holds_nothing_secret_and_nothing_strange() {
        for text in [
            "",
            "collector:4318",
            "grpc://collector:4317",
            "http://",
            "http://user:word@collector:4318",
            "http://user@collector:4318",
            "http://collector:4318/?key=word",
            "http://collector:4318/#a",
        ] {
            assert!(collector(text).is_err(), "{text}");
        }
        let strange = collector("http://collector:4318/a\nb: \"c\"").unwrap();
        assert!(!strange.address.contains(['\n', '"', ' ']), "{strange:?}");
    }
}
