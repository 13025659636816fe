//! `Hold` objects: a person's word that drift of one resource is left alone for a while. A kind of its
//! own, so that who may hold need not be able to change a Sync.

use std::time::Duration;

use jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Client, CustomResource, CustomResourceExt as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listed;
use super::sync::NAMESPACE;
use crate::object::{ResourceId, SetId};

/// The longest one: what is left alone for longer belongs into Git.
pub const LONGEST: Duration = Duration::from_hours(7 * 24);
/// Most characters of a ticket.
pub const MAX_TICKET: usize = 100;
/// Who writes Holds that people ask for by command.
const MANAGER: &str = "kubemate-hold";
/// How often a Hold is looked at again that somebody else writes at the same time.
const MOST_TRIES: u32 = 3;
/// The version of an object that is not there: only a new one has it.
const NOT_THERE: &str = "1";

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

    /// Whether it holds for longer than another one would.
    fn outlasts(&self, other: &Self, now: Timestamp) -> bool {
        let end = |spec: &Self| spec.until.parse::<Timestamp>().ok();
        self.is_active(now) && end(self) > end(other)
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
    listed::all(&api(client)).await
}

/// Begins a hold, or changes one.
pub async fn begin(client: Client, spec: &HoldSpec) -> Result<(), kube::Error> {
    write(&api(client), spec, None).await
}

/// Begins a hold, unless there is one of the same resource that lasts longer: until when. One that somebody makes
/// at the same time is seen.
pub async fn begin_longer(
    client: Client,
    spec: &HoldSpec,
    now: Timestamp,
) -> Result<Option<String>, kube::Error> {
    let (api, name) = (api(client), spec.object_name());
    let mut tries = 0;
    loop {
        let live = api.get_opt(&name).await?;
        if let Some(live) = &live
            && live.spec.outlasts(spec, now)
        {
            return Ok(Some(live.spec.until.clone()));
        }
        let version = live.and_then(|live| live.metadata.resource_version);
        let version = version.as_deref().unwrap_or(NOT_THERE);
        match write(&api, spec, Some(version)).await {
            Err(kube::Error::Api(status)) if status.code == 409 && tries < MOST_TRIES => tries += 1,
            written => return written.map(|()| None),
        }
    }
}

/// Writes a Hold, on top of exactly this version where one is named.
async fn write(api: &Api<Hold>, spec: &HoldSpec, version: Option<&str>) -> Result<(), kube::Error> {
    let name = spec.object_name();
    let mut body = json!({
        "apiVersion": "kubemate.dev/v1alpha1", "kind": "Hold",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    });
    if let Some(version) = version {
        body["metadata"]["resourceVersion"] = version.into();
    }
    let params = PatchParams::apply(MANAGER).force();
    drop(
        api.patch(&name, &params, &Patch::<Value>::Apply(body))
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
        let until = |time: &str| HoldSpec {
            until: time.to_owned(),
            ..hold("app/checkout")
        };
        let (now, short) = ("2026-05-04T10:00:00Z", until("2026-05-04T11:00:00Z"));
        for (time, longer) in [
            ("2026-05-04T11:30:00+00:00", true),
            ("2026-05-04T11:00:00Z", false),
            ("2026-05-04T09:00:00Z", false),
            ("soon", false),
        ] {
            let outlasts = until(time).outlasts(&short, now.parse().unwrap());
            assert_eq!(outlasts, longer, "{time}");
        }
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
