//! Configuration and claims of an app.

use serde_json::{Map, Value};

use super::Frame;
use crate::dsl::node::Node;
use crate::kinds::Objects;
use crate::kinds::pod::Config;
use crate::kinds::pod::render::{Traced, claim_spec};
use crate::kinds::pod::volume::Source;
use crate::names::Name;
use crate::object::{ObjectRules, canonical};

/// Asks for the ConfigMaps; gives a checksum of their content, which rolls the pods.
pub(super) fn render(frame: &Frame<'_>, out: &mut Objects) -> Option<String> {
    let mut contents = Map::new();
    for (name, config) in frame.app.config.iter() {
        let data = data(frame, name, config);
        contents.insert(name.to_string(), data.value.clone());
        let mut request = frame.request("app/config.yaml.j2", name.as_str());
        if config.opaque {
            request = request.rules(ObjectRules {
                secret_fields: vec!["/data".to_owned()],
                ..ObjectRules::default()
            });
        }
        out.push(data.into_request("data", request));
    }
    if contents.is_empty() {
        return None;
    }
    let hash = blake3::hash(canonical(&Value::Object(contents)).as_bytes());
    Some(hash.to_hex()[..16].to_owned())
}

fn data(frame: &Frame<'_>, name: &Name, config: &Config) -> Traced {
    let mut data = Traced::object();
    for (key, file) in config.file.iter() {
        let at = format!("/config/{name}/file/{key}");
        let text = match (&file.content, &file.from) {
            (Some(content), _) => content.as_str(),
            (None, Some(path)) => {
                let node = frame.scope.node(frame.scope.id);
                read(frame, node, &at, path.as_str()).unwrap_or_default()
            }
            (None, None) => "",
        };
        data.value[key.as_str()] = text.into();
        data.origins.push((format!("/{key}"), at));
    }
    for (key, value) in config.value.iter() {
        data.value[key.as_str()] = value.as_str().into();
        data.origins
            .push((format!("/{key}"), format!("/config/{name}/value/{key}")));
    }
    data
}

fn read<'a>(frame: &Frame<'a>, node: Option<&Node>, at: &str, path: &str) -> Option<&'a str> {
    let named_in = node?.nearest(&format!("{at}/from")).place.value.file;
    frame.scope.world.sources.text(named_in, path)
}

/// Claims of volumes that all pods share.
pub(super) fn claims(frame: &Frame<'_>, out: &mut Objects) {
    let volumes = frame.app.volume.iter();
    for (name, volume) in volumes.filter(|(_, v)| v.source() == Source::Shared) {
        let request = frame.request("app/claim.yaml.j2", name.as_str());
        let mut spec = Traced::object();
        spec.value = claim_spec(volume);
        spec.origins
            .push((String::new(), format!("/volume/{name}")));
        out.push(spec.into_request("spec", request));
    }
}
