//! Whose set it is: what a Sync keeps is not applied beside it, for the Sync would undo it.

use kube::ResourceExt as _;

use super::super::{Failure, output};
use crate::adapters::cluster::KubeCluster;
use crate::adapters::sync::{self, Sync};
use crate::object::SetId;

/// The Syncs of one cluster.
pub(super) struct Syncs(Vec<Sync>);

impl Syncs {
    /// Asks the cluster. A cluster that serves no Syncs has none; where they may not be read, that is
    /// said, and nothing is known to be kept.
    pub(super) async fn of(cluster: &KubeCluster) -> Result<Self, Failure> {
        match sync::list(cluster.client()?).await {
            Ok(syncs) => Ok(Self(syncs)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(Self(Vec::new())),
            Err(kube::Error::Api(status)) if status.code == 403 => {
                output::note(
                    "the Syncs of this cluster may not be read: if one keeps these sets, it undoes what is applied here",
                );
                Ok(Self(Vec::new()))
            }
            Err(error) => Err(Failure::Syncs {
                reason: error.to_string(),
            }),
        }
    }

    /// Says so where a Sync keeps the set.
    pub(super) fn refuse(&self, set: &SetId) -> bool {
        let Some(keeper) = self.0.iter().find(|sync| sync.keeps(set)) else {
            let new = self.0.iter().filter(|sync| sync.may_keep(set));
            for name in new.map(Sync::name_any) {
                output::note(&format!(
                    "the controller has not looked at the Sync `{name}` yet: if it keeps {set}, it goes on from here"
                ));
            }
            return false;
        };
        let keeper = keeper.name_any();
        output::note(&format!(
            "error: {set} is kept by the Sync `{keeper}`, which would undo what is applied here"
        ));
        output::note(&format!(
            "help: push the change for it, or run `kubemate suspend {keeper}` first"
        ));
        true
    }
}
