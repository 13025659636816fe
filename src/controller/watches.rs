//! Watches of kinds that a cluster may not have: where the API server does not know the kind, it is asked
//! for it again, but seldom.

use std::fmt::Debug;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;

/// How long it takes until a kind is seen that was installed while the controller ran.
const SELDOM: Duration = Duration::from_mins(5);

/// What a watch says.
pub(super) type Said<K> = Result<watcher::Event<K>, watcher::Error>;

/// All objects of a kind, and what becomes of them. What fails is tried again after a pause.
pub(super) fn watch<K>(api: Api<K>) -> BoxStream<'static, Said<K>>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    patient(watcher(api, watcher::Config::default()).default_backoff())
}

/// Whether there is no such kind.
pub(super) fn is_missing(error: &watcher::Error) -> bool {
    matches!(
        error,
        watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404
    )
}

/// Asks for nothing more for a while after it was heard that there is no such kind.
fn patient<K: Send + 'static>(
    said: impl Stream<Item = Said<K>> + Send + 'static,
) -> BoxStream<'static, Said<K>> {
    let next = |(mut said, wait): (BoxStream<'static, Said<K>>, bool)| async move {
        if wait {
            tokio::time::sleep(SELDOM).await;
        }
        let one = said.next().await?;
        let wait = one.as_ref().is_err_and(is_missing);
        Some((one, (said, wait)))
    };
    stream::unfold((said.boxed(), false), next).boxed()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use futures::FutureExt as _;
    use kube::core::Status;

    use super::*;
    use crate::adapters::hold::Hold;

    fn failure(code: u16) -> Said<Hold> {
        let status = Status::failure("no", "No").with_code(code);
        let error = kube::Error::Api(Box::new(status));
        Err(watcher::Error::InitialListFailed(error))
    }

    #[tokio::test]
    async fn a_kind_that_is_not_installed_is_asked_for_seldom() {
        for (code, at_once) in [(404, false), (500, true)] {
            let said = [failure(code), Ok(watcher::Event::Init)];
            let mut said = patient(stream::iter(said));
            assert!(said.next().await.unwrap().is_err(), "it is told at once");
            let mut next = said.next();
            let ready = poll_fn(|context| Poll::Ready(next.poll_unpin(context).is_ready())).await;
            assert_eq!(ready, at_once, "{code}");
        }
    }
}
