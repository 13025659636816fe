//! Services of an app: one for its ports, one without an address for numbered pods, one per way that
//! ports are offered beyond the cluster.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Frame, json};
use crate::kinds::app::Workload;
use crate::kinds::pod::network::{Expose, ExposeAs};
use crate::kinds::pod::render::Traced;
use crate::kinds::pod::{Plain, Port};
use crate::kinds::{ObjectRequest, Objects};
use crate::names::PortName;

pub(super) fn services(frame: &Frame<'_>, out: &mut Objects) {
    let app = frame.app;
    if app.workload.ends() {
        return;
    }
    let all = || app.ports().map(|(at, name, port)| (at, name, port, None));
    if app.workload == Workload::Stateful {
        out.push(service(frame, "pods", ("ClusterIP", Some("None")), all()));
    }
    if app.ports().next().is_none() {
        return;
    }
    out.push(service(frame, "", ("ClusterIP", None), all()));
    let mut ways: BTreeMap<ExposeAs, Vec<(&PortName, &Expose)>> = BTreeMap::new();
    for (name, expose) in app.expose.iter() {
        ways.entry(expose.how).or_default().push((name, expose));
    }
    for (way, exposed) in ways {
        out.push(exposing(frame, way, &exposed));
    }
}

type Offer<'a> = (String, &'a PortName, &'a Port, Option<&'a Expose>);

fn service<'a>(
    frame: &Frame<'_>,
    suffix: &str,
    (kind, address): (&str, Option<&str>),
    offers: impl Iterator<Item = Offer<'a>>,
) -> ObjectRequest {
    let mut ports = Traced::list();
    for (at, name, port, expose) in offers {
        let mut one = Map::new();
        let number = expose
            .and_then(|e| e.port)
            .or(port.service)
            .unwrap_or(port.number);
        one.insert("name".into(), json(name));
        one.insert("port".into(), json(&number));
        one.insert("targetPort".into(), json(name));
        one.insert("protocol".into(), port.protocol.name().into());
        port.speaks
            .map(|s| one.insert("appProtocol".into(), s.name().into()));
        let node_port = expose.and_then(|e| e.node_port);
        node_port.map(|n| one.insert("nodePort".into(), json(&n)));
        ports.push_from(one.into(), &at);
    }
    let request = frame.request("app/service.yaml.j2", suffix);
    let request = request.set("type", &kind).set("cluster_ip", &address);
    let request = request.set("selector", &frame.selector());
    let request = request
        .set("source_ranges", &Value::Null)
        .set("annotations", &Value::Null);
    ports.into_request("ports", request)
}

fn exposing(frame: &Frame<'_>, way: ExposeAs, exposed: &[(&PortName, &Expose)]) -> ObjectRequest {
    let ports: BTreeMap<&PortName, &Port> = frame
        .app
        .ports()
        .map(|(_, name, port)| (name, port))
        .collect();
    let offers = exposed.iter().filter_map(|(name, expose)| {
        let port = ports.get(name)?;
        Some((format!("/expose/{name}"), *name, *port, Some(*expose)))
    });
    let mut request = service(frame, way.word(), (way.name(), None), offers);
    let ranges: Vec<String> = exposed
        .iter()
        .flat_map(|(_, e)| &e.from)
        .map(ToString::to_string)
        .collect();
    if !ranges.is_empty() {
        request = request.set("source_ranges", &ranges);
    }
    let annotations: BTreeMap<String, &Plain> = exposed
        .iter()
        .flat_map(|(_, e)| e.annotations.iter())
        .map(|(k, v)| (k.to_string(), v))
        .collect();
    if !annotations.is_empty() {
        request = request.set("annotations", &annotations);
    }
    request
}
