//! Lists that come in pages.

use serde_json::Value;

use super::client::{Ask, Link};
use crate::report::forge::ForgeError;

/// Most pages of a list.
const MAX_PAGES: usize = 60;

impl Link {
    /// All items of a list, page by page; `per_page` is how the forge calls the size of a page. A list that is
    /// longer than what is read is an error: a part of it is no answer.
    pub(super) async fn list(
        &self,
        path: &str,
        per_page: (&str, usize),
        what: &'static str,
    ) -> Result<Vec<Value>, ForgeError> {
        let mut all = Vec::new();
        let joint = if path.contains('?') { '&' } else { '?' };
        for page in 1..=MAX_PAGES {
            let path = format!("{path}{joint}{}={}&page={page}", per_page.0, per_page.1);
            let ask = Ask::get(path, what);
            let answer = self.call(&ask).await?;
            let Value::Array(items) = answer.body else {
                return Err(self.unreachable(&ask, "its answer is no list"));
            };
            let count = items.len();
            all.extend(items);
            let done = answer.page.last.unwrap_or(match answer.page.total {
                Some(total) => all.len() >= total,
                None => count < per_page.1,
            });
            if count == 0 || done {
                return Ok(all);
            }
        }
        let said = format!("its list is longer than {MAX_PAGES} pages");
        Err(self.unreachable(&Ask::get(path, what), &said))
    }
}
