//! What the integration tests share: the control plane, the program, the witnesses.
