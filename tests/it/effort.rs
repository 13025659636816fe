//! How hard tests try: a little each time, much where `KUBEMATE_SEEDS` says so, as in `.ci/long`.

/// Whether time is no matter.
pub(crate) fn is_long() -> bool {
    asked().is_some()
}

/// How many cases: ordinarily so many, and as many as are asked for up to the most that make sense.
pub(crate) fn cases(ordinarily: u32, most: u32) -> u32 {
    asked().unwrap_or(ordinarily).clamp(1, most)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test may be told to try harder"
)]
fn asked() -> Option<u32> {
    std::env::var("KUBEMATE_SEEDS").ok()?.parse().ok()
}
