//! Whether the API server vouches for who approves: the admission policy that `kubemate install` prints, and
//! its binding, must be there exactly as printed. Nothing is believed of an Approval that was made before.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};
use kube::core::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::Value;

use crate::plan::approved::Vouched;

/// The policy and its binding, as they are installed.
pub const POLICY: &str = include_str!("policy.yaml");
/// After this time, every API server has heard of a policy.
const SETTLES: Duration = Duration::from_secs(10);
/// For how long the API server may think.
const PATIENCE: Duration = Duration::from_secs(10);

/// Since when the API server vouches for who approves, or why it does not.
pub async fn vouched(client: &Client) -> Vouched {
    let (policy, binding) = expected().ok_or("kubemate cannot read its own admission policy")?;
    let read = async {
        futures::try_join!(
            read::<ValidatingAdmissionPolicy>(client, &policy),
            read::<ValidatingAdmissionPolicyBinding>(client, &binding)
        )
    };
    let found = tokio::time::timeout(PATIENCE, read).await;
    let found = found.map_err(|_| "the admission policy was not read in time".to_owned())?;
    let (one, other) =
        found.map_err(|error| format!("the admission policy cannot be read: {error}"))?;
    let since = stands(&policy, one.as_ref())?.max(stands(&binding, other.as_ref())?);
    let settled = since.checked_add(SETTLES);
    settled.map_err(|_| "the age of the admission policy is not known".to_owned())
}

/// The policy and the binding that are installed.
fn expected() -> Option<(Value, Value)> {
    let mut documents = POLICY.split("---\n");
    let mut next = || serde_saphyr::from_str::<Value>(documents.next()?).ok();
    Some((next()?, next()?))
}

async fn read<K>(client: &Client, expected: &Value) -> Result<Option<Value>, kube::Error>
where
    K: kube::Resource,
    K::DynamicType: Default,
{
    let resource = ApiResource::erase::<K>(&K::DynamicType::default());
    // As the server says it: a field that we do not know is a difference, too.
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let name = expected["metadata"]["name"].as_str().unwrap_or_default();
    let found = api.get_opt(name).await?;
    found
        .map(|object| serde_json::to_value(object).map_err(kube::Error::SerdeError))
        .transpose()
}

/// Since when an object is as it is printed; why it is not.
fn stands(expected: &Value, live: Option<&Value>) -> Vouched {
    let name = |why: &str| {
        let kind = expected["kind"].as_str().unwrap_or_default();
        format!("the {kind} that says who approves {why}")
    };
    let live = live.ok_or_else(|| name("is missing; apply `kubemate install`"))?;
    let metadata = &live["metadata"];
    if !metadata["deletionTimestamp"].is_null() {
        return Err(name("is being deleted"));
    }
    if live["spec"] != expected["spec"] {
        return Err(name("is not the one that `kubemate install` prints"));
    }
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    let unknown = || name("does not tell its age");
    // It may have been another one in between. What else the metadata tells of the past, people can write.
    if metadata["generation"] != 1 {
        return Err(name(
            "was changed since it was made; delete it and apply `kubemate install`",
        ));
    }
    time(&metadata["creationTimestamp"]).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(expected: &Value) -> Value {
        let mut live = expected.clone();
        live["metadata"]["creationTimestamp"] = json!("2026-05-04T10:00:00Z");
        live["metadata"]["generation"] = json!(1);
        live["metadata"]["managedFields"] =
            json!([{"manager": "kubectl", "time": "1970-01-01T00:00:00Z"}]);
        live
    }

    #[test]
    fn only_the_policy_that_is_printed_vouches_and_only_for_what_came_after() {
        let (policy, binding) = expected().unwrap();
        assert_eq!(policy["kind"], "ValidatingAdmissionPolicy");
        assert_eq!(binding["kind"], "ValidatingAdmissionPolicyBinding");
        let since = stands(&policy, Some(&live(&policy))).unwrap();
        assert_eq!(since.to_string(), "2026-05-04T10:00:00Z");
        assert!(stands(&policy, None).unwrap_err().contains("is missing"));
        let changed = |pointer: &str, to: Value| {
            let mut live = live(&policy);
            *live.pointer_mut(pointer).unwrap() = to;
            stands(&policy, Some(&live)).unwrap_err()
        };
        for (pointer, to) in [
            ("/spec/failurePolicy", json!("Ignore")),
            ("/spec/validations/2/expression", json!("true")),
            ("/spec/validations", json!([])),
            (
                "/spec/matchConstraints/resourceRules/0/operations",
                json!(["CREATE"]),
            ),
            (
                "/spec/matchConstraints",
                json!({"matchPolicy": "Equivalent"}),
            ),
        ] {
            assert!(changed(pointer, to).contains("is not the one"), "{pointer}");
        }
        for generation in [json!(2), Value::Null] {
            let mut changed = live(&policy);
            changed["metadata"]["generation"] = generation;
            let said = stands(&policy, Some(&changed)).unwrap_err();
            assert!(said.contains("was changed"), "{said}");
        }
        let mut more = live(&policy);
        more["spec"]["matchConditions"] = json!([{"name": "never", "expression": "false"}]);
        assert!(stands(&policy, Some(&more)).is_err());
        let mut gone = live(&policy);
        gone["metadata"]["deletionTimestamp"] = json!("2026-05-04T11:00:00Z");
        assert!(stands(&policy, Some(&gone)).is_err());
        let mut audit = live(&binding);
        audit["spec"]["validationActions"] = json!(["Audit"]);
        assert!(stands(&binding, Some(&audit)).is_err());
        assert!(stands(&binding, Some(&live(&binding))).is_ok());
        let mut timeless = live(&binding);
        timeless["metadata"]["creationTimestamp"] = Value::Null;
        assert!(stands(&binding, Some(&timeless)).is_err());
    }
}
