//! A change window opens at some time, and says so once.

use super::ChangeWindow;
use crate::dsl::codes;
use crate::kinds::Findings;

pub(super) fn check(window: &ChangeWindow, out: &mut Findings<'_>) {
    if window.open.is_empty() {
        let message = format!("change-window `{}` never opens: nothing could be changed any more", window.name);
        let finding = out.error(codes::NO_EFFECT, "", message);
        out.push(finding.help("add a time: `open \"Tue,Thu 20:00-23:00\"`"));
    }
    for (index, open) in window.open.iter().enumerate() {
        if window.open[..index].contains(open) {
            let finding = out.error(codes::COVERED, &format!("/open/{index}"), format!("`{open}` is named twice"));
            out.push(finding.warning().help("remove one of the two"));
        }
    }
}
