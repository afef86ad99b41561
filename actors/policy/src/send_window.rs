//! send_window
