//! Callbacks: which URLs may be called, how a call is signed, and the call itself.
