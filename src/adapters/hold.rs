//! `Hold` objects: a person's word that drift of one resource is left alone for a while. A kind of its
//! own, so that who may hold need not be able to change a Sync.

use std::time::Duration;

use jiff::Timestamp;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, CustomResource, CustomResourceExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::sync::NAMESPACE;
use crate::object::{ResourceId, SetId};

/// The longest one: what is left alone for longer belongs into Git.
pub const LONGEST: Duration = Duration::from_hours(7 * 24);
/// Most characters of a ticket.
pub const MAX_TICKET: usize = 100;
/// Who writes Holds that people ask for by command.
const MANAGER: &str = "kubemate-hold";

/// Leaves changes to one resource that were made outside of Git alone until a time.
#[derive(CustomResource, Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "kubemate.dev",
    version = "v1alpha1",
    kind = "Hold",
    plural = "holds",
    namespaced,
    derive = "PartialEq",
    printcolumn = r#"{"name":"Resource","type":"string","jsonPath":".spec.resource"}"#,
    printcolumn = r#"{"name":"Environment","type":"string","jsonPath":".spec.environment"}"#,
    printcolumn = r#"{"name":"Until","type":"string","jsonPath":".spec.until"}"#,
    printcolumn = r#"{"name":"Ticket","type":"string","jsonPath":".spec.ticket"}"#
)]
#[serde(rename_all = "camelCase")]
pub struct HoldSpec {
    /// The resource as KDL names it: `app/checkout`, or `app/payments/checkout` for that of one tenant.
    pub resource: String,
    /// The environment.
    pub environment: String,
    /// When it ends, as in `2026-05-04T12:00:00Z`. A time that cannot be read has passed.
    pub until: String,
    /// The ticket that says why.
    pub ticket: String,
    /// Who asked for it in a comment, by the name that the forge has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl HoldSpec {
    /// When one ends that begins now, as [`HoldSpec::until`] has it.
    pub fn end(now: Timestamp, time: Duration) -> String {
        let until = now.checked_add(time).unwrap_or(now);
        until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Whether it holds at a time.
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.until.parse::<Timestamp>().is_ok_and(|end| now < end)
    }

    /// Whether a resource of a set is meant.
    pub fn covers(&self, set: &SetId, resource: &ResourceId) -> bool {
        if set.environment != self.environment {
            return false;
        }
        let parts: Vec<&str> = self.resource.split('/').collect();
        match parts.as_slice() {
            [kind, name] => resource.kind == *kind && resource.name == *name,
            [kind, tenant, name] => {
                let theirs = resource.tenant.as_deref() == Some(*tenant);
                theirs && resource.kind == *kind && resource.name == *name
            }
            _ => false,
        }
    }

    /// The name of the object: one for each resource and environment.
    pub fn object_name(&self) -> String {
        let text = format!("{}/{}", self.environment, self.resource);
        let sum = blake3::hash(text.as_bytes()).to_hex();
        let plain = text
            .to_ascii_lowercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let cut: String = plain.chars().take(200).collect();
        format!("{}-{}", cut.trim_matches('-'), &sum[..8])
    }
}

/// The CRD as YAML, as it is committed and installed.
pub fn crd_yaml() -> Result<String, serde_json::Error> {
    super::sync::yaml_of(&Hold::crd())
}

/// All Holds as an API.
pub fn api(client: Client) -> Api<Hold> {
    Api::namespaced(client, NAMESPACE)
}

/// All Holds.
pub async fn list(client: Client) -> Result<Vec<Hold>, kube::Error> {
    Ok(api(client).list(&ListParams::default()).await?.items)
}

/// Begins a hold, or changes one.
pub async fn begin(client: Client, spec: &HoldSpec) -> Result<(), kube::Error> {
    let name = spec.object_name();
    let body = json!({
        "apiVersion": "kubemate.dev/v1alpha1", "kind": "Hold",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    });
    let params = PatchParams::apply(MANAGER).force();
    drop(
        api(client)
            .patch(&name, &params, &Patch::Apply(body))
            .await?,
    );
    Ok(())
}

/// Ends a hold. False if there is none.
pub async fn end(client: Client, spec: &HoldSpec) -> Result<bool, kube::Error> {
    let name = spec.object_name();
    match api(client).delete(&name, &DeleteParams::default()).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Owner;

    fn hold(resource: &str) -> HoldSpec {
        HoldSpec {
            resource: resource.to_owned(),
            environment: "prod".to_owned(),
            until: "2026-05-04T12:00:00Z".to_owned(),
            ticket: "INC-1".to_owned(),
            by: None,
        }
    }

    #[test]
    fn a_hold_covers_one_resource_of_one_environment_until_it_ends() {
        let set = |environment: &str| SetId {
            project: "bank".to_owned(),
            cluster: "hq".to_owned(),
            owner: Owner::Tenant("payments".to_owned()),
            environment: environment.to_owned(),
        };
        let resource = ResourceId {
            kind: "app".to_owned(),
            tenant: Some("payments".to_owned()),
            name: "checkout".to_owned(),
        };
        for (text, covers) in [
            ("app/checkout", true),
            ("app/payments/checkout", true),
            ("app/web/checkout", false),
            ("route/checkout", false),
            ("checkout", false),
            ("", false),
        ] {
            assert_eq!(hold(text).covers(&set("prod"), &resource), covers, "{text}");
            assert!(!hold(text).covers(&set("dev"), &resource), "{text}");
        }
        let at = |time: &str| hold("app/checkout").is_active(time.parse().unwrap());
        assert!(at("2026-05-04T11:59:59Z") && !at("2026-05-04T12:00:00Z"));
        let odd = HoldSpec {
            until: "soon".to_owned(),
            ..hold("app/checkout")
        };
        assert!(!odd.is_active("2026-05-04T00:00:00Z".parse().unwrap()));
        assert_ne!(
            hold("app/a/b-c").object_name(),
            hold("app/a-b/c").object_name()
        );
    }

    #[test]
    fn the_committed_crd_is_the_generated_one() {
        let committed = include_str!("../../schema/hold-crd.yaml");
        let how = "write it anew: the second part of `kubemate install --crd`";
        assert_eq!(committed, crd_yaml().unwrap(), "{how}");
    }
}
