//! The pods of an app and of its tasks.

use serde_json::{Map, Value, json};

use super::Frame;
use crate::dsl::form::Keyed;
use crate::kinds::app::job::Task;
use crate::kinds::app::{App, Workload, views};
use crate::kinds::pod::env::PUBLIC;
use crate::kinds::pod::render::{ContainerView, PodView, Traced, named, pod};
use crate::kinds::pod::{Placement, Security};
use crate::kinds::registry::pull_secrets;
use crate::kinds::tenant::given::words;
use crate::values::image::ImageRepository;

/// The pod of the app itself.
pub(super) fn of_app(frame: &Frame<'_>, selector: &Value) -> Traced {
    let app = frame.app;
    let sidecars: Vec<ContainerView<'_>> = views::sidecars(app).collect();
    // Where the program ends, a container beside it must end too, which only helpers do.
    let (beside, helpers) = if app.workload.ends() {
        (Vec::new(), sidecars)
    } else {
        (sidecars, Vec::new())
    };
    let mut containers = vec![views::main(app)];
    containers.extend(beside);
    pod(&PodView {
        owner: app.name.as_str(),
        service_account: app.name.as_str(),
        containers,
        init: views::init(app).collect(),
        helpers,
        config: &app.config,
        volume: &app.volume,
        claims_by_workload: app.workload == Workload::Stateful,
        placement: &app.placement,
        security: &app.security,
        selector,
        grace: app
            .shutdown
            .grace
            .map(crate::values::duration::Duration::to_seconds),
        pull_secrets: pull_secrets(images(app), frame.scope),
        restart: app.workload.ends().then_some("Never"),
    })
}

/// The images of the app's own pod.
fn images(app: &App) -> impl Iterator<Item = &ImageRepository> {
    let beside = app.sidecar.values().chain(app.init.values());
    std::iter::once(&app.image).chain(beside.map(|container| &container.image))
}

/// With what the app's account fetches the images of its pod and of its tasks.
pub(super) fn of_account(frame: &Frame<'_>) -> Value {
    let app = frame.app;
    let tasks = app.before.values().chain(app.after.values());
    let tasks = tasks.flat_map(|tasks| tasks.task.values());
    let all = images(app).chain(tasks.filter_map(|task| task.image.as_ref()));
    named(&pull_secrets(all, frame.scope))
}

/// The pod of a task, written at `at`.
pub(super) fn of_task(frame: &Frame<'_>, name: &str, task: &Task, at: &str) -> Traced {
    let app = frame.app;
    let container = views::task(app, name, task, at);
    let pull_secrets = pull_secrets([container.image].into_iter(), frame.scope);
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
        pull_secrets,
        restart: Some("Never"),
    })
}

/// Labels of the app's pods.
pub(super) fn labels(frame: &Frame<'_>) -> Map<String, Value> {
    let mut labels = frame.versioned();
    let own = frame.app.labels.iter();
    labels.extend(own.map(|(k, v)| (k.to_string(), v.as_str().into())));
    labels
}

/// Names of variables that the author says are no secrets.
fn public(containers: &[ContainerView<'_>]) -> Option<String> {
    let blocks = containers.iter().flat_map(|view| view.env.iter());
    let all = blocks.flat_map(|(_, block)| block.iter());
    let open = all.filter(|(_, from)| from.public && from.value.is_some());
    words(open.map(|(name, _)| name.as_str()))
}

/// Annotations of the pod of a task, written at `at`.
pub(super) fn annotations_of_task(frame: &Frame<'_>, name: &str, task: &Task, at: &str) -> Value {
    let open = public(&[views::task(frame.app, name, task, at)]);
    open.map_or(Value::Null, |names| json!({ PUBLIC: names }))
}

/// Annotations of the app's pods: the author's, what finds its metrics, which variables are no secrets,
/// and the checksum of its configuration.
pub(super) fn annotations(frame: &Frame<'_>, checksum: Option<&str>) -> Value {
    let app = frame.app;
    let mut out = Map::new();
    let beside = app.sidecar.values().flat_map(|sidecar| sidecar.port.values());
    let mut ports = app.port.values().chain(beside);
    let scraped = ports.find_map(|port| Some((port, port.scrape.as_ref()?)));
    if let Some((port, path)) = scraped {
        out.insert("prometheus.io/scrape".into(), "true".into());
        out.insert("prometheus.io/port".into(), port.number.to_string().into());
        out.insert("prometheus.io/path".into(), path.as_str().into());
    }
    let own = app.annotations.iter();
    out.extend(own.map(|(k, v)| (k.to_string(), v.as_str().into())));
    let mut containers = vec![views::main(app)];
    containers.extend(views::sidecars(app));
    containers.extend(views::init(app));
    public(&containers).map(|names| out.insert(PUBLIC.into(), names.into()));
    checksum.map(|sum| out.insert("kubemate.dev/config".into(), sum.into()));
    if out.is_empty() {
        Value::Null
    } else {
        out.into()
    }
}
