//! The spans of a pass, with what they say: names, a commit, and words from fixed lists. What a pass found is
//! not among it.

use tracing::Span;
use tracing::field::Empty;

use super::decide::Ending;
use super::set::SetResult;

/// One pass of a Sync, which is a trace of its own.
pub(super) fn of_pass(sync: &str) -> Span {
    tracing::info_span!(
        parent: None,
        "pass",
        sync,
        commit = Empty,
        outcome = Empty,
        otel.status_code = Empty
    )
}

/// A pass has ended.
pub(super) fn pass_ended(span: &Span, commit: Option<&str>, ending: Ending) {
    if let Some(commit) = commit {
        span.record("commit", commit);
    }
    end(span, ending.word(), ending == Ending::Failed);
}

/// One set of a pass.
pub(super) fn of_set(sync: &str, set: &str, commit: &str) -> Span {
    tracing::info_span!(
        "set",
        sync,
        set,
        commit,
        outcome = Empty,
        otel.status_code = Empty
    )
}

/// What became of a set.
pub(super) fn set_ended(span: &Span, result: &SetResult) {
    end(span, outcome(result), result.failed);
}

/// A report to a forge, which comes after a pass and is no part of it.
pub(super) fn of_report(sync: &str, commit: &str) -> Span {
    tracing::info_span!(
        parent: None,
        "report",
        sync,
        commit,
        outcome = Empty,
        otel.status_code = Empty
    )
}

/// A report has ended with a word from the list of the metric.
pub(super) fn report_ended(span: &Span, word: &'static str, is_well: bool) {
    end(span, word, !is_well);
}

fn end(span: &Span, word: &'static str, failed: bool) {
    span.record("outcome", word);
    if failed {
        span.record("otel.status_code", "ERROR");
    }
}

fn outcome(result: &SetResult) -> &'static str {
    match result {
        SetResult { failed: true, .. } => "failed",
        result if result.held > 0 => "held",
        result if result.missing() > 0 => "pending",
        result if result.done > 0 => "applied",
        result if result.on_its_way > 0 => "on-its-way",
        _ => "as-wanted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_one_outcome_the_worst_of_it() {
        let none = SetResult::default();
        assert_eq!(outcome(&none), "as-wanted");
        let applied = SetResult {
            done: 2,
            on_its_way: 1,
            ..none.clone()
        };
        assert_eq!(outcome(&applied), "applied");
        let pending = SetResult {
            pending: 1,
            ..applied
        };
        assert_eq!(outcome(&pending), "pending");
        let held = SetResult { held: 1, ..pending };
        assert_eq!(outcome(&held), "held");
        let failed = SetResult {
            failed: true,
            ..held
        };
        assert_eq!(outcome(&failed), "failed");
        let slow = SetResult {
            on_its_way: 1,
            ..none
        };
        assert_eq!(outcome(&slow), "on-its-way");
    }
}
