//! A volume is in one place, and its claim in a namespace that exists.

use super::PersistentVolume;
use crate::dsl::codes;
use crate::kinds::pod::volume::Access;
use crate::kinds::storage_class::Reclaim;
use crate::kinds::tenant::Tenant;
use crate::kinds::{Findings, Scope};
use crate::names::Name;

pub(super) fn check(volume: &PersistentVolume, scope: &Scope<'_>, out: &mut Findings<'_>) {
    if volume.external {
        // Nothing but its size can be said of it.
        let others = ["class", "access", "reclaim", "mount-options", "claim", "nfs", "csi", "local"];
        out.idle(codes::STORAGE, "volume", &others);
        return;
    }
    let places = [
        ("nfs", volume.nfs.is_some()),
        ("csi", volume.csi.is_some()),
        ("local", volume.local.is_some()),
    ];
    let mut places = places.iter().filter(|(_, there)| *there);
    match (places.next(), places.next()) {
        (None, _) => {
            let message = format!("volume `{}` is nowhere", volume.name);
            let finding = out
                .error(codes::MISSING_FIELD, "", message)
                .label("no place");
            out.push(finding.help(
                "write `nfs`, `csi` or `local`, or `external=#true` if the cluster has the volume already",
            ));
        }
        (Some((first, _)), Some((second, _))) => {
            let related = out.name(&format!("/{first}"));
            let at = format!("/{second}");
            let finding = out.error_on_name(codes::STORAGE, &at, "a volume is in one place");
            out.push(
                finding
                    .related(related, "is here already")
                    .help("keep one of the two"),
            );
        }
        (Some(_), None) => {}
    }
    if volume.local.is_some() && volume.access != Access::One {
        let finding = out.error(
            codes::STORAGE,
            "/access",
            "pods of other nodes cannot reach a directory of one node",
        );
        out.push(finding.help("remove `access`, or use `nfs`"));
    }
    if volume.reclaim == Reclaim::Delete && volume.csi.is_none() {
        let finding = out.error(
            codes::STORAGE,
            "/reclaim",
            "nobody deletes such a volume: it would be marked as failed",
        );
        out.push(finding.help("remove `reclaim`: it is kept until a person deletes it"));
    }
    claim(volume, scope, out);
}

fn claim(volume: &PersistentVolume, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let Some(claim) = &volume.claim else { return };
    let Some(tenant) = scope.find::<Tenant>(claim.tenant.name()) else {
        return;
    };
    let known: Vec<&str> = tenant.namespace.keys().map(Name::as_str).collect();
    let message = match &claim.namespace {
        None if known.len() > 1 => format!("tenant `{}` has several namespaces", claim.tenant),
        Some(name) if !known.contains(&name.as_str()) => {
            format!("tenant `{}` has no namespace `{name}`", claim.tenant)
        }
        _ => return,
    };
    let finding = out.error(codes::WHICH_NAMESPACE, "/claim/namespace", message);
    out.push(match known.is_empty() {
        true => finding.help("leave it out: the tenant has one namespace without a name"),
        false => finding.help(format!("known: {}", known.join(", "))),
    });
}
