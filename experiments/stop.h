#pragma once
// Stopping on request: Ctrl-C and SIGTERM ask, the sweep answers at its next step by saving.

namespace elbow {

/// From here on SIGINT and SIGTERM set the flag instead of killing; a second one of the same kind kills.
void watch_signals();

/// True once a stop was asked for. Poll it between steps.
bool stop_requested();

/// Asks for a stop as a signal does. Safe in a signal handler.
void request_stop();

}  // namespace elbow
