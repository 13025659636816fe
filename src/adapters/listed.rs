//! Lists of our own kinds. An API server that cannot answer yet, as right after a CRD changed, is asked again.

use std::fmt::Debug;
use std::time::Duration;

use kube::Api;
use kube::api::ListParams;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

/// How often it is asked at most.
const TRIES: u32 = 5;
/// The longest pause that it may ask for, in seconds.
const LONGEST: u64 = 10;

/// Everything of a kind, after as many pauses as the server asks for, within bounds.
///
/// # Errors
/// Whatever else the server says, and that it cannot answer after all tries.
pub(super) async fn all<K>(api: &Api<K>) -> Result<Vec<K>, kube::Error>
where
    K: Clone + DeserializeOwned + Debug,
{
    let mut tries = 1;
    loop {
        match api.list(&ListParams::default()).await {
            Ok(list) => return Ok(list.items),
            Err(kube::Error::Api(status)) if tries < TRIES && matches!(status.code, 429 | 503) => {
                let details = status.details.as_ref();
                let named = details.map_or(0, |details| details.retry_after_seconds);
                sleep(Duration::from_secs(u64::from(named).clamp(1, LONGEST))).await;
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
