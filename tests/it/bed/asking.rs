//! Questions to the API server from this very process: who waits for something asks hundreds of times, and a
//! process for each question is most of what the waiting costs.

use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use http::Request;
use kube::Client;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use super::{Cluster, client_of};

/// For how long an answer is waited for, as kubectl does here.
const LIMIT: Duration = Duration::from_secs(60);

/// Where all questions are asked from, whatever the runtime of the test is.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = Builder::new_multi_thread();
        let built = builder.worker_threads(1).enable_all().build();
        built.expect("a runtime can be made")
    })
}

impl Cluster {
    /// What is at a path of the API server, as an administrator reads it; a failure fails the test.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (kubeconfig, known) = (self.kubeconfig.clone(), self.asking.get().cloned());
        let request = Request::get(path).body(Vec::new()).expect("a path");
        let (sender, receiver) = mpsc::channel::<(Client, Result<Value, String>)>();
        let asked = async move {
            let client = match known {
                Some(client) => client,
                None => client_of(&kubeconfig).await,
            };
            let answer = tokio::time::timeout(LIMIT, client.request::<Value>(request)).await;
            let answer = match answer {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err("there is no answer".to_owned()),
            };
            drop(sender.send((client, answer)));
        };
        drop(runtime().spawn(asked));
        let (client, answer) = receiver.recv().expect("the question was asked");
        self.asking.get_or_init(|| client);
        answer.unwrap_or_else(|why| panic!("GET {path}: {why}"))
    }
}
