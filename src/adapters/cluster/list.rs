//! Complete lists, page by page; a list of which a part cannot be read is an error.
//!
//! Pages are read on threads of their own, so that several lists and their next pages come in meanwhile.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::adapters::cluster::KubeCluster;
use crate::adapters::cluster::answer::Answer;
use crate::adapters::cluster::request::Request;
use crate::apply::cluster::Identity;
use crate::apply::problem::{Problem, ProblemKind};

/// Pages of a list at most: 500 objects each.
const MAX_PAGES: usize = 400;

/// What becomes of one item; nothing for an item that is left out.
type Read<I, T> = dyn Fn(I) -> Option<T> + Send + Sync;

impl KubeCluster {
    /// All items of a list as they are.
    pub(super) async fn items(
        &self,
        path: &str,
        labels: &str,
        metadata: bool,
    ) -> Result<Vec<Value>, Problem> {
        self.items_as(path, labels, metadata, std::sync::Arc::new(Some::<Value>))
            .await
    }

    /// All items of a list, each read as its page comes in.
    pub(super) async fn items_as<I: DeserializeOwned + 'static, T: Send + 'static>(
        &self,
        path: &str,
        labels: &str,
        metadata: bool,
        read: std::sync::Arc<Read<I, T>>,
    ) -> Result<Vec<T>, Problem> {
        let (items, _) = self.list_as(path, labels, metadata, read).await?;
        Ok(items)
    }

    /// The same with the version that all of the list is of.
    pub(super) async fn list_as<I: DeserializeOwned + 'static, T: Send + 'static>(
        &self,
        path: &str,
        labels: &str,
        metadata: bool,
        read: std::sync::Arc<Read<I, T>>,
    ) -> Result<(Vec<T>, String), Problem> {
        let what = format!("list {path}");
        let (mut items, mut token) = (Vec::new(), String::new());
        for _ in 0..MAX_PAGES {
            let page = Request::page(path.to_owned(), labels, &token, what.clone());
            let page = if metadata { page.metadata_only() } else { page };
            let answer = self.link.call(&Identity::Own, &page).await?;
            let (what, read) = (what.clone(), std::sync::Arc::clone(&read));
            let page = tokio::task::spawn_blocking(move || page_of(answer, &what, &*read));
            let Page {
                more,
                next,
                version,
            } = page.await.map_err(|error| {
                Problem::new(ProblemKind::BadAnswer, "read a list", error.to_string())
            })??;
            items.extend(more);
            match next {
                Some(next) => token = next,
                None => return Ok((items, version)),
            }
        }
        let said = format!("there are more than {} objects", MAX_PAGES * 500);
        Err(Problem::new(ProblemKind::TooLarge, what, said))
    }
}

/// A part of a list.
struct Page<T> {
    more: Vec<T>,
    /// Where the next one begins.
    next: Option<String>,
    /// The version that the list is of.
    version: String,
}

/// A page as the server writes it.
#[derive(Deserialize)]
#[serde(bound(deserialize = "I: Deserialize<'de>"))]
struct Answered<I> {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: Metadata,
    /// An empty list of some kinds has null for its items.
    #[serde(default, deserialize_with = "present")]
    items: Option<Vec<I>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    r#continue: String,
    resource_version: String,
}

fn present<'de, D: Deserializer<'de>, I: Deserialize<'de>>(
    from: D,
) -> Result<Option<Vec<I>>, D::Error> {
    let items = Option::<Vec<I>>::deserialize(from)?;
    Ok(Some(items.unwrap_or_default()))
}

fn page_of<I: DeserializeOwned, T>(
    answer: Answer,
    what: &str,
    read: &Read<I, T>,
) -> Result<Page<T>, Problem> {
    let page: Answered<I> = answer.read(what, false)?;
    let items = page.items.filter(|_| page.kind.ends_with("List"));
    let items = items.ok_or_else(|| {
        let said = "the answer is not a list";
        Problem::new(ProblemKind::BadAnswer, what, said)
    })?;
    Ok(Page {
        more: items.into_iter().filter_map(read).collect(),
        next: Some(page.metadata.r#continue).filter(|next| !next.is_empty()),
        version: page.metadata.resource_version,
    })
}
