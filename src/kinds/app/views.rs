//! The containers of an app in the form that pods are checked and rendered in.

use serde_json::{Value, json};

use super::App;
use super::job::Task;
use crate::kinds::pod::render::{ContainerView, MountView};
use crate::kinds::pod::{Container, Plain};
use crate::names::Name;

/// The program itself.
pub(super) fn main(app: &App) -> ContainerView<'_> {
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
        return Some(json!({ "exec": { "command": app.shutdown.exec } }));
    }
    let drain = app.shutdown.drain?;
    Some(json!({ "sleep": { "seconds": drain.to_seconds() } }))
}

/// Containers that run beside the program.
pub(super) fn sidecars(app: &App) -> impl Iterator<Item = ContainerView<'_>> {
    let beside = |(name, container)| beside("sidecar", name, container);
    app.sidecar.iter().map(beside)
}

/// Containers that run before the program.
pub(super) fn init(app: &App) -> impl Iterator<Item = ContainerView<'_>> {
    let beside = |(name, container)| beside("init", name, container);
    app.init.iter().map(beside)
}

fn beside<'a>(field: &str, name: &'a Name, container: &'a Container) -> ContainerView<'a> {
    ContainerView::beside(name.as_str(), format!("/{field}/{name}"), container)
}

/// A task, written at `at`.
pub(super) fn task<'a>(app: &'a App, name: &'a str, task: &'a Task, at: &str) -> ContainerView<'a> {
    let command = match &task.run {
        Some(line) => ["/bin/sh", "-c", line.as_str()]
            .map(|w| Plain(w.to_owned()))
            .to_vec(),
        None => task.command.clone(),
    };
    ContainerView {
        name,
        at: at.to_owned(),
        image: task.image.as_ref().unwrap_or(&app.image),
        version: task.version.as_ref().or(app.version.as_ref()),
        command,
        args: &task.args,
        env: vec![
            ("/env".to_owned(), &app.env),
            (format!("{at}/env"), &task.env),
        ],
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
    }
}
