//! The audit trail: one line of JSON for each attempt to change a cluster and one for its end, and the same
//! for each command of a comment, each with the digest of the line before, so that no line can be changed or
//! taken out unseen. Pure.
//!
//! A line never holds the value of a field: only names, digests, people and sentences of ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What stands before the first line.
pub const START: &str = "start";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Version of this format.
    pub format: u32,
    /// Its number, from 1.
    pub number: u64,
    /// The digest of the line before; [`START`] for the first.
    pub previous: String,
    /// When, as in `2026-05-04T10:00:00Z`.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened, before it has a place in the chain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    /// Which part of an attempt.
    pub event: Event,
    /// The set; none for a command of a comment.
    pub set: String,
    /// The Sync that it is for, or who ran the command.
    pub by: String,
    /// The commit that is applied; for a command of a comment the head of its pull request.
    pub commit: String,
    /// The commit that was applied before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// The digest of the plan.
    pub plan: String,
    /// Pull requests that were agreed to: number, who opened it, who agreed, who merged it, digests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agreed: Vec<Agreement>,
    /// What is done with each object: before, what is to be done; afterwards, what became of it. For a
    /// command of a comment: where it stands, and what it asks for.
    pub objects: BTreeMap<String, String>,
    /// What keeps the rest from being done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
    /// Why it could not be carried out at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// Which part of an attempt a line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// It begins: nothing of it has been written yet.
    #[default]
    Begun,
    /// It has ended.
    Ended,
    /// Nothing was tried: rules hold all of it.
    Held,
    /// Somebody asks for a change in a comment: nothing of it has been written yet.
    Asked,
    /// Somebody was answered who asked for something in a comment; with a failure, it was refused.
    Answered,
}

/// A pull request that was agreed to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Agreement {
    /// Its number.
    pub pull: String,
    /// Who opened it.
    pub author: String,
    /// Who agreed, so that it counted.
    pub approvers: Vec<String>,
    /// Who merged it.
    pub merger: Option<String>,
    /// Digests of what was announced and agreed to.
    pub intents: Vec<String>,
    /// The freeze that it was let through, by whom and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// Where a trail breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// Why, and what that means.
    pub why: String,
}

/// The end of a trail, to which lines are added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    number: u64,
    digest: String,
}

impl Default for End {
    fn default() -> Self {
        Self {
            number: 0,
            digest: START.to_owned(),
        }
    }
}

impl End {
    /// How many lines there are.
    pub fn lines(&self) -> u64 {
        self.number
    }

    /// The digest of the last line: whoever keeps it elsewhere can prove that nothing was cut off.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The next line, with its line break, and the end behind it. `at` is the time.
    pub fn next(
        &self,
        entry: Entry,
        at: jiff::Timestamp,
    ) -> Result<(String, Self), serde_json::Error> {
        let line = Line {
            format: 1,
            number: self.number + 1,
            previous: self.digest.clone(),
            at: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            entry,
        };
        let text = serde_json::to_string(&line)?;
        let end = Self {
            number: line.number,
            digest: digest(&text),
        };
        Ok((text + "\n", end))
    }
}

impl End {
    /// The end behind a line that is taken as it is, without what stands before it; `None` if it is no
    /// line of a trail.
    pub fn behind(text: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(text).ok()?;
        Some(Self {
            number: line.number,
            digest: digest(text),
        })
    }

    /// That the line in front of this end is one of `lines`, a whole trail with `end` behind it. Whoever
    /// kept an end finds out that lines were cut off, or that all of them were made anew.
    pub fn is_in(&self, lines: &[Line], end: &Self) -> Result<(), Broken> {
        let number = usize::try_from(self.number).unwrap_or(usize::MAX);
        let (line, why) = match lines.get(number) {
            // The next line names what this one must be.
            Some(next) if next.previous == self.digest => return Ok(()),
            None if self == end => return Ok(()),
            None if self.number > end.number => (
                lines.len() + 1,
                "it was written and is missing: lines were taken out at the end",
            ),
            _ => (
                number,
                "it is not the line that was written: it was changed",
            ),
        };
        let why = why.to_owned();
        Err(Broken { line, why })
    }

    /// The line that comes next and the end behind it, or why it does not come next.
    pub fn follow(&self, text: &str) -> Result<(Line, Self), Broken> {
        let broken = |why: &str| Broken {
            line: usize::try_from(self.number).unwrap_or(usize::MAX) + 1,
            why: why.to_owned(),
        };
        let line: Line = serde_json::from_str(text)
            .map_err(|error| broken(&format!("it is no line of an audit trail: {error}")))?;
        if line.format != 1 {
            return Err(broken("it is of a later version of kubemate"));
        }
        if line.previous != self.digest {
            return Err(broken(
                "the line before it is not the one it was written after: a line was changed, added or taken out",
            ));
        }
        if line.number != self.number + 1 {
            return Err(broken("its number is not the next one"));
        }
        let end = Self {
            number: line.number,
            digest: digest(text),
        };
        Ok((line, end))
    }
}

fn digest(line: &str) -> String {
    format!("b3:{}", blake3::hash(line.as_bytes()).to_hex())
}

/// Reads a trail and checks its chain: its lines and its end, or where it breaks first.
pub fn read(text: &str) -> Result<(Vec<Line>, End), Broken> {
    let mut end = End::default();
    let mut lines = Vec::new();
    for text in text.lines() {
        let (line, next) = end.follow(text)?;
        lines.push(line);
        end = next;
    }
    Ok((lines, end))
}

/// The end of a trail, with what was `kept` of it before among it.
pub fn end_of(text: &str, kept: Option<&End>) -> Result<End, Broken> {
    let (lines, end) = read(text)?;
    match kept {
        Some(kept) => kept.is_in(&lines, &end).map(|()| end),
        None => Ok(end),
    }
}

/// The attempts that began and have no end: whoever carried them out died, or is still at it. Lines of
/// one set come one after the other, so a later attempt of the same set says that the one before it
/// will never end.
pub fn unfinished(lines: &[Line]) -> Vec<&Line> {
    let mut begun: BTreeMap<(&str, &str), &Line> = BTreeMap::new();
    let mut open = Vec::new();
    for line in lines {
        let of = (line.entry.set.as_str(), line.entry.by.as_str());
        match line.entry.event {
            Event::Begun => open.extend(begun.insert(of, line)),
            Event::Ended => drop(begun.remove(&of)),
            Event::Held | Event::Asked | Event::Answered => {}
        }
    }
    open.extend(begun.into_values());
    open.sort_by_key(|line| line.number);
    open
}

/// What had been applied before the first line: older lines are elsewhere, or were taken away together.
pub fn before(lines: &[Line]) -> Option<&str> {
    lines.first()?.entry.base.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trail_that_begins_in_the_middle_says_so() {
        let of = |base: Option<&str>| {
            let entry = Entry {
                base: base.map(str::to_owned),
                ..Entry::default()
            };
            let at = "2026-05-04T10:00:00Z".parse().unwrap();
            let (text, _) = End::default().next(entry, at).unwrap();
            read(&text).unwrap().0
        };
        assert_eq!(before(&of(Some("b"))), Some("b"));
        assert_eq!((before(&of(None)), before(&[])), (None, None));
    }

    fn trail(count: usize) -> String {
        trail_of("hq/payments/prod", count)
    }

    fn trail_of(set: &str, count: usize) -> String {
        let (mut text, mut end) = (String::new(), End::default());
        for n in 0..count {
            let entry = Entry {
                set: set.to_owned(),
                commit: format!("{n:040}"),
                objects: [("apps/Deployment x/y".to_owned(), "update".to_owned())].into(),
                ..Entry::default()
            };
            let at = "2026-05-04T10:00:00Z".parse().unwrap();
            let (line, next) = end.next(entry, at).unwrap();
            text.push_str(&line);
            end = next;
        }
        text
    }

    #[test]
    fn what_began_and_never_ended_is_found() {
        let mut end = End::default();
        let mut lines = Vec::new();
        for (set, event) in [
            ("a", Event::Begun),
            ("b", Event::Begun),
            ("b", Event::Ended),
            ("a", Event::Held),
            ("a", Event::Begun),
            ("a", Event::Ended),
            ("c", Event::Begun),
        ] {
            let entry = Entry {
                set: set.to_owned(),
                event,
                ..Entry::default()
            };
            let (text, next) = end
                .next(entry, "2026-05-04T10:00:00Z".parse().unwrap())
                .unwrap();
            lines.push(end.follow(text.trim_end()).unwrap().0);
            end = next;
        }
        let open: Vec<u64> = unfinished(&lines).iter().map(|line| line.number).collect();
        assert_eq!(open, [1, 7]);
    }

    #[test]
    fn a_kept_end_finds_what_the_chain_alone_cannot() {
        let text = trail(5);
        let (lines, end) = read(&text).unwrap();
        let mut kept = End::default();
        for line in text.lines() {
            kept.is_in(&lines, &end).unwrap();
            kept = kept.follow(line).unwrap().1;
        }
        kept.is_in(&lines, &end).unwrap();
        let (fewer, cut) = read(&trail(3)).unwrap();
        assert_eq!(kept.is_in(&fewer, &cut).unwrap_err().line, 4);
        let (others, other) = read(&trail_of("hq/ledger/prod", 5)).unwrap();
        assert_eq!(kept.is_in(&others, &other).unwrap_err().line, 5);
    }

    #[test]
    fn a_trail_comes_back_whole() {
        let text = trail(5);
        let (lines, end) = read(&text).unwrap();
        assert_eq!((lines.len(), end.lines()), (5, 5));
        assert_eq!(read("").unwrap().1, End::default());
        assert!(lines[0].previous == START && lines[4].entry.commit.ends_with('4'));
    }

    #[test]
    fn no_line_can_be_changed_or_taken_out_unseen() {
        let text = trail(5);
        let lines: Vec<&str> = text.lines().collect();
        // Every byte of every line but the last counts; of the last one the digest tells.
        for (index, line) in lines.iter().enumerate() {
            let mut others = lines.clone();
            others.remove(index);
            let cut = others.join("\n");
            match index {
                4 => assert_ne!(read(&cut).unwrap().1, read(&text).unwrap().1),
                n => assert_eq!(read(&cut).unwrap_err().line, n + 1),
            }
            let changed = line.replace("payments", "pAyments");
            assert_ne!(&changed, line);
            let mut others = lines.clone();
            others[index] = &changed;
            match index {
                4 => assert_ne!(read(&others.join("\n")).unwrap().1, read(&text).unwrap().1),
                n => assert_eq!(read(&others.join("\n")).unwrap_err().line, n + 2),
            }
        }
        let mut swapped = lines.clone();
        swapped.swap(1, 2);
        assert_eq!(read(&swapped.join("\n")).unwrap_err().line, 2);
        let doubled = format!("{text}{}\n", lines[4]);
        assert_eq!(read(&doubled).unwrap_err().line, 6);
        assert_eq!(read("hello\n").unwrap_err().line, 1);
    }
}
