//! Acceptance cases by number, through the real binary or the real engine, with the oracles after each.

mod disturbed;
mod killed;
mod oracles;
mod trust;
