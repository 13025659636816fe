//! The pods of an app and of its tasks.

use serde_json::{Map, Value, json};

use super::{Frame, json as plain};
use crate::kinds::app::job::Task;
use crate::kinds::app::{App, Workload};
use crate::kinds::pod::render::{ContainerView, MountView, PodView, Traced, pod};
use crate::kinds::pod::{Placement, Plain, Security};
use crate::dsl::form::Keyed;

/// The pod of the app itself.
pub(super) fn of_app(frame: &Frame<'_>, selector: &Value) -> Traced {
    let app = frame.app;
    let sidecars: Vec<ContainerView<'_>> = app
        .sidecar
        .iter()
        .map(|(name, c)| ContainerView::beside(name.as_str(), format!("/sidecar/{name}"), c))
        .collect();
    let init = app
        .init
        .iter()
        .map(|(name, c)| ContainerView::beside(name.as_str(), format!("/init/{name}"), c));
    // Where the program ends, a container beside it must end too, which only helpers do.
    let (beside, helpers) = match app.workload.ends() {
        true => (Vec::new(), sidecars),
        false => (sidecars, Vec::new()),
    };
    let mut containers = vec![main(app)];
    containers.extend(beside);
    pod(&PodView {
        owner: app.name.as_str(),
        service_account: app.name.as_str(),
        containers,
        init: init.collect(),
        helpers,
        config: &app.config,
        volume: &app.volume,
        claims_by_workload: app.workload == Workload::Stateful,
        placement: &app.placement,
        security: &app.security,
        selector,
        grace: app.shutdown.grace.map(crate::values::duration::Duration::to_seconds),
        restart: app.workload.ends().then_some("Never"),
    })
}

fn main(app: &App) -> ContainerView<'_> {
    let mut mounts = config_mounts(app);
    mounts.extend(app.volume.iter().map(|(name, volume)| MountView {
        volume: name.to_string(),
        path: volume.mount.to_string(),
        sub_path: volume.sub_path.as_ref().map(ToString::to_string),
        read_only: volume.read_only,
        at: format!("/volume/{name}"),
    }));
    ContainerView {
        name: app.name.as_str(),
        at: String::new(),
        image: &app.image,
        version: app.version.as_ref(),
        command: app.command.clone(),
        args: &app.args,
        env: vec![("/env".to_owned(), &app.env)],
        env_from: vec![("/env-from".to_owned(), &*app.env_from)],
        port: Some(&app.port),
        probe: Some(&app.probe),
        resources: &app.resources,
        mounts,
        read_only_root: app.security.read_only_root,
        pre_stop: pre_stop(app),
    }
}

fn config_mounts(app: &App) -> Vec<MountView> {
    let mounts = app.config.iter().filter_map(|(name, config)| {
        Some(MountView {
            volume: name.to_string(),
            path: config.mount.as_ref()?.to_string(),
            sub_path: None,
            read_only: true,
            at: format!("/config/{name}/mount"),
        })
    });
    mounts.collect()
}

fn pre_stop(app: &App) -> Option<Value> {
    if !app.shutdown.exec.is_empty() {
        return Some(json!({ "exec": { "command": plain(&app.shutdown.exec) } }));
    }
    let drain = app.shutdown.drain?;
    Some(json!({ "sleep": { "seconds": drain.to_seconds() } }))
}

/// The pod of a task, written at `at`.
pub(super) fn of_task(frame: &Frame<'_>, name: &str, task: &Task, at: &str) -> Traced {
    let app = frame.app;
    let command = match &task.run {
        Some(line) => ["/bin/sh", "-c", line.as_str()].map(|w| Plain(w.to_owned())).to_vec(),
        None => task.command.clone(),
    };
    let container = ContainerView {
        name,
        at: at.to_owned(),
        image: task.image.as_ref().unwrap_or(&app.image),
        version: task.version.as_ref().or(app.version.as_ref()),
        command,
        args: &task.args,
        env: vec![("/env".to_owned(), &app.env), (format!("{at}/env"), &task.env)],
        env_from: vec![
            ("/env-from".to_owned(), &*app.env_from),
            (format!("{at}/env-from"), &*task.env_from),
        ],
        port: None,
        probe: None,
        resources: &task.resources,
        mounts: config_mounts(app),
        read_only_root: app.security.read_only_root,
        pre_stop: None,
    };
    let security = Security {
        user: app.security.user,
        group: app.security.group,
        ..Security::default()
    };
    let placement = Placement {
        node_label: app.placement.node_label.clone(),
        tolerate: app.placement.tolerate.clone(),
        ..Placement::default()
    };
    pod(&PodView {
        owner: app.name.as_str(),
        service_account: app.name.as_str(),
        containers: vec![container],
        init: Vec::new(),
        helpers: Vec::new(),
        config: &app.config,
        volume: &Keyed::default(),
        claims_by_workload: false,
        placement: &placement,
        security: &security,
        selector: &Value::Null,
        grace: None,
        restart: Some("Never"),
    })
}

/// Labels of the app's pods.
pub(super) fn labels(frame: &Frame<'_>) -> Map<String, Value> {
    let mut labels = frame.labels();
    let own = frame.app.labels.iter();
    labels.extend(own.map(|(k, v)| (k.to_string(), v.as_str().into())));
    labels
}

/// Annotations of the app's pods: the author's, what finds its metrics, and the checksum of its
/// configuration.
pub(super) fn annotations(frame: &Frame<'_>, checksum: Option<&String>) -> Value {
    let app = frame.app;
    let mut out = Map::new();
    let scraped = app.port.iter().find_map(|(_, port)| Some((port, port.scrape.as_ref()?)));
    if let Some((port, path)) = scraped {
        out.insert("prometheus.io/scrape".into(), "true".into());
        out.insert("prometheus.io/port".into(), port.number.to_string().into());
        out.insert("prometheus.io/path".into(), path.as_str().into());
    }
    let own = app.annotations.iter();
    out.extend(own.map(|(k, v)| (k.to_string(), v.as_str().into())));
    checksum.map(|sum| out.insert("kubemate.dev/config".into(), sum.as_str().into()));
    if out.is_empty() { Value::Null } else { out.into() }
}
