//! A freeze has two moments that a clock shows, the first one first. Whether it is over is not judged:
//! that would make the same files right today and wrong tomorrow.

use super::Freeze;
use crate::dsl::codes;
use crate::kinds::Findings;
use crate::values::time::{DateTime, TimeZone};

pub(super) fn check(freeze: &Freeze, out: &mut Findings<'_>) {
    for (pointer, moment) in [("/from", freeze.from), ("/to", freeze.to)] {
        match (&freeze.zone, moment.offset()) {
            (None, None) => {
                let message = format!("`{moment}` is another moment in every zone");
                let finding = out.error(codes::WHICH_ZONE, pointer, message).label("in which zone?");
                out.push(finding.help("add `zone=\"Asia/Shanghai\"`, or an offset as in `2026-12-28T00:00+08:00`"));
            }
            (Some(zone), None) => skipped(moment, zone, pointer, out),
            (_, Some(_)) => {}
        }
    }
    let utc = TimeZone::utc();
    let zone = freeze.zone.as_ref().unwrap_or(&utc);
    let both = freeze.from.timestamp(zone).zip(freeze.to.timestamp(zone));
    if both.is_some_and(|(from, to)| from >= to) {
        let message = format!("the freeze ends at {}, before it starts at {}", freeze.to, freeze.from);
        let finding = out.error(codes::IMPOSSIBLE_TIME, "/to", message).label("too early");
        out.push(finding.related(out.value("/from"), "it starts here").help("swap the two, or correct the year"));
    }
}

/// In spring the clocks skip an hour.
fn skipped(moment: DateTime, zone: &TimeZone, pointer: &str, out: &mut Findings<'_>) {
    let Some(timestamp) = moment.timestamp(zone) else {
        return;
    };
    let shown = timestamp.to_zoned(zone.rules().clone()).datetime();
    if shown != moment.civil() {
        let message = format!("no clock in {zone} shows `{moment}`: that hour is skipped");
        let finding = out.error(codes::IMPOSSIBLE_TIME, pointer, message);
        out.push(finding.help(format!("write {}, which is what clocks show instead", shown.strftime("%Y-%m-%dT%H:%M"))));
    }
}
