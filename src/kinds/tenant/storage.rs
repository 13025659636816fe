//! The arithmetic of storage: what the volumes of all apps of a tenant request together, in all and of
//! each class, against what the tenant may request. Like [`super::usage`] it is asked for by an app.

use std::collections::BTreeMap;

use super::Tenant;
use crate::dsl::codes;
use crate::dsl::diagnostic::Diagnostic;
use crate::kinds::app::App;
use crate::kinds::pod::volume::Volume;
use crate::kinds::{Findings, Scope};
use crate::names::Name;
use crate::object::ResourceId;
use crate::values::resources::MemoryQuantity;

/// What a volume of an app requests, and where that is written.
struct Request<'a> {
    id: &'a ResourceId,
    name: &'a Name,
    class: Option<&'a str>,
    /// Of all its claims together, in bytes.
    bytes: i64,
}

/// Adds up the volumes of the tenant's apps.
pub(super) fn check(tenant: &Tenant, scope: &Scope<'_>, out: &mut Findings<'_>) {
    let mut all = Vec::new();
    for (id, app) in scope.own::<App>() {
        for (name, volume) in app.volume.iter() {
            let class = volume.class.as_ref().map(crate::names::reference::StorageClassRef::name);
            all.extend(bytes(app, volume).map(|bytes| Request { id, name, class, bytes }));
        }
    }
    if let Some(quota) = tenant.quota.storage {
        let what = format!("the volumes of tenant `{}` request", tenant.name);
        judge(&all.iter().collect::<Vec<_>>(), quota, &what, (scope, out));
    }
    let quotas: BTreeMap<&str, MemoryQuantity> =
        tenant.quota.storage_class.iter().map(|(class, quota)| (class.as_str(), *quota)).collect();
    for (class, quota) in quotas {
        let of_class: Vec<&Request<'_>> = all.iter().filter(|r| r.class == Some(class)).collect();
        let what = format!("the volumes of class `{class}` of tenant `{}` request", tenant.name);
        judge(&of_class, quota, &what, (scope, out));
    }
}

/// What the claims of a volume request; none for what is no claim.
fn bytes(app: &App, volume: &Volume) -> Option<i64> {
    let scratch = volume.memory || (volume.ephemeral && !volume.per_replica);
    let other = volume.claim.is_some() || volume.secret.is_some() || volume.host_path.is_some();
    let size = volume.size.filter(|_| !scratch && !other)?;
    let claims = if volume.per_replica { app.at_least() } else { 1 };
    Some(size.bytes().saturating_mul(i64::from(claims)))
}

fn judge(all: &[&Request<'_>], quota: MemoryQuantity, what: &str, (scope, out): (&Scope<'_>, &mut Findings<'_>)) {
    const MI: i64 = 1024 * 1024;
    let used = all.iter().fold(0_i64, |sum, request| sum.saturating_add(request.bytes));
    let Some(largest) = all.iter().max_by_key(|request| request.bytes).filter(|_| used > quota.bytes()) else {
        return;
    };
    let used = if used % (1024 * MI) == 0 { format!("{}Gi", used / (1024 * MI)) } else { format!("{}Mi", (used + MI - 1) / MI) };
    let node = scope.node(largest.id);
    let place = node.map(|node| node.nearest(&format!("/volume/{}/size", largest.name)).place.value);
    let message = format!("{what} {used} of storage together; its quota is {quota}");
    out.push(
        Diagnostic::error(codes::OVER_QUOTA, place.unwrap_or_else(|| out.value("")), message)
            .label("requests the most of it")
            .help("request less, use another class, or ask the platform team for a larger quota"),
    );
}
