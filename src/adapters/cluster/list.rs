//! Complete lists, page by page; a list of which a part cannot be read is an error.
//!
//! Pages are read on threads of their own, so that several lists and their next pages come in meanwhile.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokio::sync::oneshot;

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
        self.items_as(path, labels, metadata, Arc::new(Some::<Value>))
            .await
    }

    /// All items of a list, each read as its page comes in.
    pub(super) async fn items_as<I: DeserializeOwned + 'static, T: Send + 'static>(
        &self,
        path: &str,
        labels: &str,
        metadata: bool,
        read: Arc<Read<I, T>>,
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
        read: Arc<Read<I, T>>,
    ) -> Result<(Vec<T>, String), Problem> {
        let what = format!("list {path}");
        let first = page_request(path, labels, metadata, "");
        let mut answer = self.link.call(&Identity::Own, &first).await?;
        let mut items = Vec::new();
        for _ in 0..MAX_PAGES {
            let (tell, told) = oneshot::channel();
            let (what, read) = (what.clone(), Arc::clone(&read));
            let page = tokio::task::spawn_blocking(move || page_of(answer, &what, &*read, tell));
            // The server works on the next page while this one is read.
            let ahead = Box::pin(async {
                let next = page_request(path, labels, metadata, &told.await.ok()?);
                Some(self.link.call(&Identity::Own, &next).await)
            });
            let (page, ahead) = futures::join!(page, ahead);
            let page = page.map_err(|error| {
                Problem::new(ProblemKind::BadAnswer, "read a list", error.to_string())
            });
            let Page { more, version } = page??;
            items.extend(more);
            match ahead {
                Some(next) => answer = next?,
                None => return Ok((items, version)),
            }
        }
        let said = format!("there are more than {} objects", MAX_PAGES * 500);
        Err(Problem::new(ProblemKind::TooLarge, what, said))
    }
}

fn page_request(path: &str, labels: &str, metadata: bool, token: &str) -> Request {
    let page = Request::page(path.to_owned(), labels, token, format!("list {path}"));
    if metadata { page.metadata_only() } else { page }
}

/// A part of a list.
struct Page<T> {
    more: Vec<T>,
    /// The version that the list is of.
    version: String,
}

/// A page as the server writes it.
struct Answered<I> {
    kind: String,
    version: String,
    items: Option<Vec<I>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    r#continue: String,
    resource_version: String,
}

/// Reads a page, and tells where the next one begins before it reads the items.
struct Reader<I> {
    tell: oneshot::Sender<String>,
    items: PhantomData<I>,
}

impl<'de, I: DeserializeOwned> DeserializeSeed<'de> for Reader<I> {
    type Value = Answered<I>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Answered<I>, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, I: DeserializeOwned> Visitor<'de> for Reader<I> {
    type Value = Answered<I>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answered<I>, A::Error> {
        let mut tell = Some(self.tell);
        let mut page = Answered {
            kind: String::new(),
            version: String::new(),
            items: None,
        };
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "kind" => page.kind = map.next_value()?,
                "metadata" => {
                    let metadata: Metadata = map.next_value()?;
                    let twice = || A::Error::duplicate_field("metadata");
                    let tell = tell.take().ok_or_else(twice)?;
                    page.version = metadata.resource_version;
                    if !metadata.r#continue.is_empty() {
                        // Whoever asked may have gone.
                        drop(tell.send(metadata.r#continue));
                    }
                }
                "items" if page.items.is_some() => return Err(A::Error::duplicate_field("items")),
                // An empty list of some kinds has null for its items.
                "items" => {
                    let items: Option<Vec<I>> = map.next_value()?;
                    page.items = Some(items.unwrap_or_default());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

fn page_of<I: DeserializeOwned, T>(
    answer: Answer,
    what: &str,
    read: &Read<I, T>,
    tell: oneshot::Sender<String>,
) -> Result<Page<T>, Problem> {
    let items = PhantomData::<I>;
    let page = answer.read_by(Reader { tell, items }, what, false)?;
    let items = page.items.filter(|_| page.kind.ends_with("List"));
    let items = items.ok_or_else(|| {
        let said = "the answer is not a list";
        Problem::new(ProblemKind::BadAnswer, what, said)
    })?;
    Ok(Page {
        more: items.into_iter().filter_map(read).collect(),
        version: page.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    /// What a page says: its items, its version and where the next one begins.
    fn read(text: &str) -> Option<(Vec<Value>, String, Option<String>)> {
        let answer = Answer {
            status: StatusCode::OK,
            body: text.into(),
        };
        let (tell, mut told) = oneshot::channel();
        let page = page_of(answer, "list", &Some::<Value>, tell).ok()?;
        Some((page.more, page.version, told.try_recv().ok()))
    }

    #[test]
    fn a_page_is_read_in_any_order_and_whole() {
        let next = Some("abc".to_owned());
        let one = || vec![Value::from(1)];
        for (text, expected) in [
            (
                r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"abc"},"items":[1]}"#,
                Some((one(), "7".to_owned(), next.clone())),
            ),
            (
                r#"{"items":[1],"metadata":{"continue":"abc","resourceVersion":"7"},"kind":"PodList"}"#,
                Some((one(), "7".to_owned(), next)),
            ),
            (
                r#"{"kind":"PodList","metadata":{"resourceVersion":"7","continue":""},"items":[1]}"#,
                Some((one(), "7".to_owned(), None)),
            ),
            (
                r#"{"kind":"PodList","items":null}"#,
                Some((Vec::new(), String::new(), None)),
            ),
            (r#"{"kind":"PodList"}"#, None),
            (r#"{"kind":"Status","items":[1]}"#, None),
            (r#"{"kind":"PodList","items":[1],"items":[2]}"#, None),
            (
                r#"{"kind":"PodList","metadata":{},"metadata":{},"items":[]}"#,
                None,
            ),
            (r#"{"kind":"PodList","items":[1"#, None),
            (r#"{"kind":"PodList","items":[1]} x"#, None),
            ("[]", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
