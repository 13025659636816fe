//! How objects are, through their whole life: every kind that is rendered, from its first status to its
//! last, as the wait of a run sees it; against snapshots that others took of real clusters; and on a
//! real API server whose controllers do well, badly, or nothing.

mod argo;
mod live;
mod stage;
mod states;
