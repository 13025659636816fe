//! Tests of the proxy: every fault against a plain server whose own record is the truth, and the
//! whole against the real control plane.
