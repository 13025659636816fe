//! What people and machines read at the end: printed problems now, plans and statuses beside them.
//!
//! Everything here is a pure function from data to text. Nothing decides what is right or wrong,
//! nothing writes to a terminal, a file, a forge or a receiver of notices.

pub mod audit;
pub mod diagnostics;
pub mod explain;
pub mod forge;
pub mod notify;
pub mod reference;
