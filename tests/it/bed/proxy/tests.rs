//! Tests of the proxy: every fault against a plain server that keeps its own count of what
//! reached it, and the whole against the real control plane.

mod faults;
mod origin;
mod real;
mod rules;
mod streams;
