//! What operators of the platform would do in a tenant's name: whom they call, and what they log in with.

use serde_json::Value;

use super::{Bounds, inner, list, text};
use crate::kinds::tenant::{IDENTITY, address};

/// Providers of metrics at which Flagger logs in as itself.
const AS_FLAGGER: &[&str] = &["cloudwatch", "externalmetrics", "keptn", "stackdriver"];
/// Where a login of triggers names an identity of KEDA's pods.
const IDENTITIES: &[&str] = &[
    "/spec/podIdentity/provider",
    "/spec/awsSecretManager/podIdentity/provider",
    "/spec/azureKeyVault/podIdentity/provider",
    "/spec/gcpSecretManager/podIdentity/provider",
];
/// Where it names their files.
const KEDA_FILES: &[&str] = &[
    "/spec/filePath",
    "/spec/hashiCorpVault/credential/serviceAccount",
];
/// Whom KEDA asks for a login.
const VAULTS: &[&str] = &[
    "/spec/hashiCorpVault/address",
    "/spec/azureKeyVault/vaultUri",
    "/spec/azureKeyVault/cloud/activeDirectoryEndpoint",
    "/spec/azureKeyVault/cloud/keyVaultResourceURL",
    "/spec/oauth2/tokenUrl",
];
/// Lists of a receiver, and where each entry says whom Alertmanager calls.
const CALLED: &[(&str, &str)] = &[
    ("/emailConfigs", "/smarthost"),
    ("/opsgenieConfigs", "/apiURL"),
    ("/pagerdutyConfigs", "/url"),
    ("/rocketchatConfigs", "/apiURL"),
    ("/snsConfigs", "/apiURL"),
    ("/telegramConfigs", "/apiURL"),
    ("/victoropsConfigs", "/apiUrl"),
    ("/webexConfigs", "/apiURL"),
    ("/webhookConfigs", "/url"),
    ("/wechatConfigs", "/apiURL"),
];
/// Whom it calls before, whatever the list.
const THROUGH: &[&str] = &[
    "/httpConfig/proxyURL",
    "/httpConfig/proxyUrl",
    "/httpConfig/oauth2/tokenUrl",
    "/httpConfig/oauth2/proxyUrl",
];
/// Where an entry names a file of Alertmanager.
const ALERT_FILES: &[(&str, &str)] = &[
    ("/pushoverConfigs", "/tokenFile"),
    ("/pushoverConfigs", "/userKeyFile"),
    ("/telegramConfigs", "/botTokenFile"),
];

/// The part of a ScaledObject or ScaledJob that leads out of the tenant.
pub(super) fn triggers(body: &Value, bounds: &Bounds) -> Option<String> {
    let mut kinds = list(body, "/spec/triggers").filter_map(|t| text(t, "/authenticationRef/kind"));
    if kinds.any(|kind| kind == "ClusterTriggerAuthentication") {
        return Some("a ClusterTriggerAuthentication is the platform's".to_owned());
    }
    let settings = || {
        let maps = list(body, "/spec/triggers").filter_map(|t| t.get("metadata")?.as_object());
        maps.flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    };
    if settings().any(|(key, value)| key == "identityOwner" && value == "operator") {
        return Some("with `identityOwner: operator` KEDA logs in as itself".to_owned());
    }
    inner(
        settings().flat_map(|(key, value)| address::asked(key, value)),
        bounds,
    )
}

/// The part of a TriggerAuthentication that leads out of the tenant.
pub(super) fn login(body: &Value, bounds: &Bounds) -> Option<String> {
    let mut identities = IDENTITIES.iter().filter_map(|at| text(body, at));
    if let Some(name) = identities.find(|name| !["", "none"].contains(name)) {
        return Some(format!(
            "with `podIdentity` of `{name}` KEDA logs in as itself"
        ));
    }
    let mut files = KEDA_FILES.iter().filter_map(|at| text(body, at));
    if let Some(file) = files.find(|file| !file.is_empty()) {
        return Some(format!("`{file}` is a file of KEDA"));
    }
    let tokens = list(body, "/spec/boundServiceAccountToken");
    let mut accounts = tokens
        .filter_map(|one| text(one, "/serviceAccountName"))
        .chain(text(
            body,
            "/spec/hashiCorpVault/credential/serviceAccountName",
        ));
    if accounts.any(|account| account == IDENTITY) {
        return Some(format!(
            "no trigger has a token of `{IDENTITY}`, which writes the tenant's objects"
        ));
    }
    inner(VAULTS.iter().filter_map(|at| text(body, at)), bounds)
}

/// The part of a MetricTemplate or an AlertProvider that leads out of the tenant.
pub(super) fn provider(body: &Value, bounds: &Bounds) -> Option<String> {
    let provider = text(body, "/spec/provider/type").filter(|name| AS_FLAGGER.contains(name));
    if let Some(name) = provider {
        return Some(format!("at `{name}` Flagger logs in as itself"));
    }
    let called = ["/spec/provider/address", "/spec/address", "/spec/proxy"];
    inner(called.iter().filter_map(|at| text(body, at)), bounds)
}

/// The part of an AlertmanagerConfig that leads out of the tenant. That it hears of the alerts of its namespace alone
/// is Alertmanager's to keep.
pub(super) fn receivers(body: &Value, bounds: &Bounds) -> Option<String> {
    if let Some(file) = said(body, ALERT_FILES).next() {
        return Some(format!("`{file}` is a file of Alertmanager"));
    }
    let mut clouds = list(body, "/spec/receivers").flat_map(|one| list(one, "/snsConfigs"));
    if clouds.any(|cloud| !has_keys(cloud)) {
        return Some(
            "without keys of its own in `sigv4`, Alertmanager logs in as itself".to_owned(),
        );
    }
    let lists = list(body, "/spec/receivers").filter_map(Value::as_object);
    let entries = lists.flat_map(|one| one.values().filter_map(Value::as_array).flatten());
    let through = entries.flat_map(|one| THROUGH.iter().filter_map(move |at| text(one, at)));
    inner(said(body, CALLED).chain(through), bounds)
}

/// What the receivers say at some places of their lists.
fn said<'v>(
    body: &'v Value,
    places: &'static [(&'static str, &'static str)],
) -> impl Iterator<Item = &'v str> {
    let of_one = move |receiver: &'v Value| {
        let places = places.iter();
        places.flat_map(move |(of, at)| list(receiver, of).filter_map(move |one| text(one, at)))
    };
    let all = list(body, "/spec/receivers").flat_map(of_one);
    all.filter(|said| !said.is_empty())
}

/// Whether a message to a cloud is signed with keys of the tenant.
fn has_keys(cloud: &Value) -> bool {
    let keys = ["/sigv4/accessKey", "/sigv4/secretKey"];
    let profile = text(cloud, "/sigv4/profile").unwrap_or_default();
    keys.iter().all(|at| cloud.pointer(at).is_some()) && profile.is_empty()
}
