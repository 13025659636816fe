//! Passwords that stand inside URLs, found in any text, so that no message repeats one.
//!
//! Judged by form alone and on the careful side: what may be a password is taken for one.

use std::borrow::Cow;
use std::ops::Range;

/// What stands in place of each concealed character.
pub const MARK: char = '•';

/// Where passwords stand in a text, as byte ranges in ascending order.
///
/// ```
/// use kubemate::names::conceal::passwords;
/// assert_eq!(passwords("see https://ana:pw@bank/").collect::<Vec<_>>(), [16..18]);
/// assert_eq!(passwords("https://bank:8443/@scope").count(), 0);
/// ```
pub fn passwords(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices("://").filter_map(|(at, scheme)| {
        let start = at + scheme.len();
        let rest = &text[start..];
        let end = rest.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c));
        let user = &rest[..rest[..end.unwrap_or(rest.len())].rfind('@')?];
        let colon = user.find(':')?;
        let password = &user[colon + 1..];
        let port = password.split('/').next().unwrap_or_default();
        let path = password.contains('/') && port.bytes().all(|b| b.is_ascii_digit());
        (!password.is_empty() && !path).then(|| start + colon + 1..start + user.len())
    })
}

/// The text with every character of a password replaced by [`MARK`].
///
/// ```
/// use kubemate::names::conceal::concealed;
/// assert_eq!(concealed("`ssh://ana:pw@bank/x`"), "`ssh://ana:••@bank/x`");
/// assert_eq!(concealed("ssh://git@bank/x"), "ssh://git@bank/x");
/// ```
pub fn concealed(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut after = 0;
    for range in passwords(text) {
        out.push_str(&text[after..range.start]);
        out.extend(text[range.clone()].chars().map(|_| MARK));
        after = range.end;
    }
    if after == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[after..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_password_goes_and_all_else_stays() {
        let text = "https://a:b@c http://d:e/f@g \"https://h:é:j@k\" x://:@y https://l@m:1";
        let shown = "https://a:•@c http://d:•••@g \"https://h:•••@k\" x://:@y https://l@m:1";
        assert_eq!(concealed(text), shown);
    }
}
