//! A class has a driver or exists already, and one at most is everybody's.

use super::StorageClass;
use crate::dsl::codes;
use crate::kinds::{Findings, Scope};

pub(super) fn check(class: &StorageClass, scope: &Scope<'_>, out: &mut Findings<'_>) {
    if class.external {
        let all = [
            "provisioner",
            "parameters",
            "reclaim",
            "bind",
            "fixed-size",
            "mount-options",
            "zones",
            "default",
        ];
        out.idle(codes::STORAGE, "class", &all);
    } else if class.provisioner.is_none() {
        let message = format!("nobody makes the volumes of class `{}`", class.name);
        let finding = out
            .error(codes::MISSING_FIELD, "", message)
            .label("no driver");
        out.push(finding.help(
            "write `provisioner=`, or `external=#true` if the cluster has the class already",
        ));
    }
    let mut others = scope
        .all::<StorageClass>()
        .filter(|(id, other)| *id < scope.id && other.default);
    if let Some((id, other)) = others.next().filter(|_| class.default) {
        let message = format!("`{}` and `{}` are both the default", other.name, class.name);
        let mut finding = out.error_on_name(codes::STORAGE, "/default", message);
        if let Some(node) = scope.node(id) {
            finding = finding.related(node.nearest("/default").place.key, "the other default");
        }
        out.push(finding.help("keep one of the two: volumes without a class need to know which"));
    }
}
