//! Text of people and clusters made inert for each place where it is shown, and cut to what fits there.
//!
//! Nothing that comes out of here can mention anybody, be a link with a scheme, be markup, or hide or
//! reorder what stands beside it, whatever goes in.

use crate::plan::display::escape;

/// What stands at the end of a text that was cut.
const CUT: &str = " … (cut)";

/// How a place reads text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// As it is, by a program.
    None,
    /// As plain text, in which addresses become links.
    Linked,
    /// As Slack does: entities for the three signs of its control sequences.
    Slack,
    /// As markdown or tags of a dialect that nobody describes exactly: signs that could be markup become
    /// their wide twins, which no dialect knows.
    Wide,
}

/// How long a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// In bytes of UTF-8.
    Bytes,
    /// In characters.
    Characters,
}

impl Measure {
    /// The length of a text.
    pub fn of(self, text: &str) -> usize {
        match self {
            Self::Bytes => text.len(),
            Self::Characters => text.chars().count(),
        }
    }
}

/// A text for one line of a place, of at most so much, with a mark where it was cut.
///
/// ```
/// use kubemate::report::notify::inert::{Markup, Measure, inert};
/// let said = inert("<!channel> look", Markup::Slack, (100, Measure::Characters));
/// assert_eq!(said, "&lt;!channel&gt; look");
/// assert_eq!(inert("aaaaaaaaaaaaaaaa", Markup::None, (12, Measure::Bytes)), "aa … (cut)");
/// ```
pub fn inert(text: &str, markup: Markup, (most, measure): (usize, Measure)) -> String {
    // Each character costs at least one, so what comes after is cut anyway.
    let cut: String = text.chars().take(most.saturating_add(1)).collect();
    let line = escape::line(&cut.replace(char::is_whitespace, " "));
    let line = match markup {
        Markup::None => line,
        Markup::Linked | Markup::Slack | Markup::Wide => unlinked(&line),
    };
    let pieces = || line.chars().map(move |c| piece(c, markup));
    let whole: usize = pieces().map(|piece| measure.of(&piece)).sum();
    if whole <= most && cut.len() == text.len() {
        return pieces().collect();
    }
    let Some(room) = most.checked_sub(measure.of(CUT)) else {
        return String::new();
    };
    let mut spent = 0;
    let fits = pieces().take_while(|piece| {
        spent += measure.of(piece);
        spent <= room
    });
    fits.chain(std::iter::once(CUT.to_owned())).collect()
}

/// Addresses that no program makes links of.
fn unlinked(text: &str) -> String {
    let text = text.replace("://", ":\u{200b}//");
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = find(rest, &["www.", "mailto:"]) {
        let end = at
            + if rest[at..].starts_with(['w', 'W']) {
                3
            } else {
                6
            };
        shown.push_str(&rest[..end]);
        shown.push('\u{200b}');
        rest = &rest[end..];
    }
    shown + rest
}

/// Where the first of some ASCII words begins, in capitals or not.
fn find(text: &str, words: &[&str]) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    words.iter().filter_map(|word| lower.find(word)).min()
}

fn piece(c: char, markup: Markup) -> String {
    let twin = match (markup, c) {
        (Markup::Slack, '&') => "&amp;",
        (Markup::Slack, '<') => "&lt;",
        (Markup::Slack, '>') => "&gt;",
        // What speaks like Slack may know `@channel` without a control sequence.
        (Markup::Slack, '@') => "@\u{200b}",
        (Markup::Wide, '&') => "＆",
        (Markup::Wide, '<') => "＜",
        (Markup::Wide, '>') => "＞",
        (Markup::Wide, '@') => "＠",
        (Markup::Wide, '[') => "［",
        (Markup::Wide, ']') => "］",
        (Markup::Wide, '*') => "＊",
        (Markup::Wide, '#') => "＃",
        (Markup::Wide, '~') => "～",
        (Markup::Wide, '\\') => "＼",
        (Markup::Wide, '`') => "'",
        _ => return c.to_string(),
    };
    twin.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WIDE: (usize, Measure) = (1000, Measure::Bytes);

    #[test]
    fn s_65_mentions_links_and_hidden_signs_are_text() {
        for (text, slack, wide) in [
            (
                "@all @channel",
                "@\u{200b}all @\u{200b}channel",
                "＠all ＠channel",
            ),
            (
                "<!here> <@U1>",
                "&lt;!here&gt; &lt;@\u{200b}U1&gt;",
                "＜!here＞ ＜＠U1＞",
            ),
            (
                "<at user_id=\"all\">x</at>",
                "&lt;at user_id=\"all\"&gt;x&lt;/at&gt;",
                "＜at user_id=\"all\"＞x＜/at＞",
            ),
            (
                "[a](https://e.example)",
                "[a](https:\u{200b}//e.example)",
                "［a］(https:\u{200b}//e.example)",
            ),
            (
                "WWW.e.example",
                "WWW\u{200b}.e.example",
                "WWW\u{200b}.e.example",
            ),
            ("mailto:a", "mailto\u{200b}:a", "mailto\u{200b}:a"),
            (
                "a\u{202e}b\u{1b}[0m",
                "a\\u{202e}b\\u{1b}[0m",
                "a＼u{202e}b＼u{1b}［0m",
            ),
            (
                "one\ntwo\tthree\u{2028}four",
                "one two three four",
                "one two three four",
            ),
            ("`a` **b** # c", "`a` **b** # c", "'a' ＊＊b＊＊ ＃ c"),
        ] {
            assert_eq!(inert(text, Markup::Slack, WIDE), slack, "{text}");
            assert_eq!(inert(text, Markup::Wide, WIDE), wide, "{text}");
        }
        assert_eq!(inert("a://b\u{7}@", Markup::None, WIDE), "a://b\\u{7}@");
    }

    #[test]
    fn a_cut_is_between_characters_and_marked() {
        let text = "ä<".repeat(50);
        let said = inert(&text, Markup::Slack, (40, Measure::Bytes));
        assert!(said.ends_with(CUT) && said.len() <= 40, "{said}");
        assert!(!said.replace("&lt;", "").contains('&'), "{said}");
        assert_eq!(
            inert("much too long", Markup::None, (3, Measure::Bytes)),
            ""
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        /// The budget holds, and no sign of markup is left, for any text.
        #[test]
        fn nothing_gets_through(
            text in proptest::collection::vec(any::<char>(), 0..400),
            most in 0_usize..500
        ) {
            let text: String = text.into_iter().collect();
            for measure in [Measure::Bytes, Measure::Characters] {
                for markup in [Markup::None, Markup::Linked, Markup::Slack, Markup::Wide] {
                    let said = inert(&text, markup, (most, measure));
                    prop_assert!(measure.of(&said) <= most);
                    prop_assert!(!said.chars().any(char::is_control));
                    match markup {
                        Markup::None => {}
                        Markup::Linked => prop_assert!(!said.contains("://")),
                        Markup::Slack => prop_assert!(!said.contains(['<', '>'])),
                        Markup::Wide => prop_assert!(
                            !said.contains(['<', '>', '@', '[', ']', '*', '#', '`', '&'])
                        ),
                    }
                }
            }
        }

        /// No mention survives, however it is wrapped.
        #[test]
        fn no_mention_fires(before in "[<&@!\\[\\\\a ]{0,6}", after in "[>;@\\] a]{0,6}") {
            for word in ["@all", "<!channel>", "<@U123>", "<at user_id=\"all\">", "&lt;!here&gt;"] {
                let text = format!("{before}{word}{after}");
                let slack = inert(&text, Markup::Slack, WIDE);
                prop_assert!(!slack.contains(['<', '>']) && !slack.contains("@all"), "{slack}");
                prop_assert!(!slack.contains("&lt;!here&gt;") || !word.starts_with('&'), "{slack}");
                let wide = inert(&text, Markup::Wide, WIDE);
                prop_assert!(!wide.contains(['<', '>', '@', '&']), "{wide}");
            }
        }
    }
}
