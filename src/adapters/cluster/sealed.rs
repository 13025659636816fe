//! Objects whose data comes from encrypted files: what is known of them without their keys, and how what the
//! server answers is covered before anybody sees it.

use std::collections::BTreeMap;

use crate::adapters::cluster::KubeCluster;
use crate::apply::cluster::Question;
use crate::object::sealed::Sealed;
use crate::object::{Desired, ObjectKey};
use crate::plan::observed::{Live, Observed, Unopened};

/// Encrypted files of objects that were looked at, which cannot be opened here, and what to do about it.
pub(super) fn unopened(
    cluster: &KubeCluster,
    question: Question<'_>,
    objects: &BTreeMap<ObjectKey, Observed>,
) -> BTreeMap<ObjectKey, Unopened> {
    let wanted = question.rendered.objects.iter();
    let closed = wanted.filter_map(|(key, desired)| {
        let sealed = desired.rules.sealed.as_deref()?;
        if let Observed::Unchanged { .. } = objects.get(key)? {
            return None;
        }
        let error = cluster.keys.check(sealed).err()?;
        let unopened = Unopened {
            path: sealed.path.clone(),
            why: error.to_string(),
            help: error.help().to_owned(),
        };
        Some((key.clone(), unopened))
    });
    closed.collect()
}

/// Why the server cannot be asked about an object: what would be sent is encrypted.
pub(super) fn closed(cluster: &KubeCluster, desired: &Desired) -> Option<String> {
    let sealed = desired.rules.sealed.as_deref()?;
    let why = cluster.keys.check(sealed).err()?;
    Some(format!(
        "its values are encrypted in `{}`: {why}",
        sealed.path
    ))
}

impl KubeCluster {
    /// An object without clear text of an encrypted file.
    pub(super) fn covered(&self, mut live: Box<Live>, sealed: Option<&Sealed>) -> Box<Live> {
        if let Some(sealed) = sealed {
            self.keys.seal(&mut live.body, sealed);
        }
        live
    }
}
