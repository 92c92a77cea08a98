#pragma once
// What people read on stderr while a program works. Thread-safe. Results go to stdout, not through here.
#include <string>
#include <string_view>

namespace elbow {

void log_info(std::string_view line);
void log_warning(std::string_view line);  ///< "warning: <line>"
void log_error(std::string_view line);    ///< "error: <line>"

/// Whether stderr is a terminal that can redraw a line.
bool stderr_is_terminal();

/// Shows `line` below the log until the next status; "" removes it. Nothing happens off a terminal. `line`
/// may hold escape sequences and must fit the terminal's width.
void show_status(std::string_view line);

/// Columns of the terminal, 80 if unknown.
int terminal_width();

/// `text` in an ANSI colour ("31" red, "2" dim) where stderr takes colours and NO_COLOR is not set.
std::string painted(std::string_view text, std::string_view colour);

}  // namespace elbow
