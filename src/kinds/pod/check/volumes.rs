//! Rules about volumes and configuration.

use crate::dsl::check::closest;
use crate::dsl::codes;
use crate::dsl::form::Keyed;
use crate::kinds::pod::volume::Source;
use crate::kinds::pod::{Config, Volume};
use crate::kinds::{Findings, Scope};
use crate::names::Name;

/// A volume is one thing, with what that thing needs.
pub(crate) fn volumes(all: &Keyed<Name, Volume>, scope: &Scope<'_>, out: &mut Findings<'_>) {
    for (name, volume) in all.iter() {
        let at = format!("/volume/{name}");
        one_source(name, volume, &at, out);
        let kept = matches!(volume.source(), Source::Shared | Source::PerReplica);
        if kept && volume.size.is_none() {
            out.push(
                out.error_on_name(codes::VOLUME, &at, format!("volume `{name}` needs a size"))
                    .label("how large?")
                    .help("write `size=\"10Gi\"`; scratch space is `ephemeral=#true`"),
            );
        }
        if volume.class.is_some() && !kept {
            out.push(
                out.error(
                    codes::VOLUME,
                    &format!("{at}/class"),
                    "only kept storage has a class",
                )
                .help("leave `class` out"),
            );
        }
        if volume.host_path.is_some() && !scope.world.sources.are_platforms() {
            let message = "a tenant may not mount a path of the node: it is shared by all tenants";
            out.push(
                out.error(codes::OPENS_NODE, &format!("{at}/host-path"), message)
                    .label("only on a path of the platform")
                    .help("use storage (`size=`), scratch space (`ephemeral=#true`) or a secret"),
            );
        }
    }
}

fn one_source(name: &Name, volume: &Volume, at: &str, out: &mut Findings<'_>) {
    let said = [
        ("secret", volume.secret.is_some()),
        ("claim", volume.claim.is_some()),
        ("host-path", volume.host_path.is_some()),
        ("ephemeral", volume.ephemeral || volume.memory),
        ("per-replica", volume.per_replica),
    ];
    let said: Vec<&str> = said
        .iter()
        .filter(|(_, on)| *on)
        .map(|(word, _)| *word)
        .collect();
    if let [first, second, ..] = said[..] {
        let message = format!("volume `{name}` cannot be both `{first}` and `{second}`");
        out.push(
            out.error_on_name(codes::VOLUME, at, message).help(
                "keep what it is; to override it for an environment write `(replace)volume …`",
            ),
        );
    }
    if !volume.item.is_empty() && volume.secret.is_none() {
        out.push(
            out.error(
                codes::VOLUME,
                &format!("{at}/item"),
                "`item` chooses keys of a secret, and there is none",
            )
            .help("write `secret=NAME`"),
        );
    }
}

/// Files have one content, which can be read; keys are unique.
pub(crate) fn config(all: &Keyed<Name, Config>, scope: &Scope<'_>, out: &mut Findings<'_>) {
    for (name, config) in all.iter() {
        for (key, file) in config.file.iter() {
            let at = format!("/config/{name}/file/{key}");
            match (&file.content, &file.from) {
                (Some(_), None) => {}
                (None, Some(path)) => readable(path.as_str(), &format!("{at}/from"), scope, out),
                _ => out.push(
                    out.error_on_name(
                        codes::CONFIG_FILE,
                        &at,
                        format!("file `{key}` needs exactly one content"),
                    )
                    .help("write the text right after its name, or `from=\"PATH\"`"),
                ),
            }
            if config.value.contains_key(key) {
                let message = format!("key `{key}` is a file and a value");
                out.push(
                    out.error_on_name(codes::CONFIG_FILE, &at, message)
                        .related(
                            out.name(&format!("/config/{name}/value/{key}")),
                            "the value",
                        )
                        .help("give one of them another name"),
                );
            }
        }
    }
}

fn readable(path: &str, at: &str, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let sources = &scope.world.sources;
    let written = out.value(at);
    if sources.text(written.file, path).is_some() {
        return;
    }
    let whole = sources.path(written.file, path);
    if let Some(why) = sources.why_not(written.file, path) {
        let finding = out.error(codes::CONFIG_FILE, at, format!("`{whole}` {why}"));
        out.push(finding.label("cannot be used"));
        return;
    }
    let message = format!("there is no text file `{whole}`");
    let diagnostic = out
        .error(codes::CONFIG_FILE, at, message)
        .label("not found");
    out.push(match closest(&whole, sources.paths()) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic.help(
            "the path starts at the directory of this file, and the file must be yours and UTF-8 text",
        ),
    });
}
