#pragma once
// Files that are whole or absent: a reader, at any time and after any crash, sees the old content or the new
// one.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace elbow {

/// Replaces `path` by `content`: a temporary file in the same folder, fsync, rename, fsync of the folder.
/// With `keep_old_as` (same folder) the old content, if there is any, is renamed to it in the moment before;
/// every instant then shows a whole file under one name or the other. Throws DataError with the path, the
/// system's reason and how to mend it. The old content is then in place and the temporary file gone; only
/// where the last step failed, the folder's fsync, the new content is in place.
void write_atomically(const std::filesystem::path& path, std::string_view content,
                      const std::filesystem::path& keep_old_as = {});

/// Takes the next part of a file's content.
using Append = std::function<void(std::string_view)>;

/// The same for content that need not be in memory at once: `produce` appends it part by part. Advice in
/// messages names `option`, which chose the path. What `produce` throws passes, the old content in place.
void write_parts_atomically(const std::filesystem::path& path, std::string_view option,
                            const std::function<void(const Append&)>& produce);

/// The content of a regular file of at most `limit` bytes; its size is checked before memory is taken.
/// Throws DataError.
std::string read_file(const std::filesystem::path& path, std::size_t limit);

/// Removes what killed writers left in `folder` and below. Only for the one process that writes there, as it
/// would take a living writer's temporary file as well. Throws DataError.
void remove_temporaries(const std::filesystem::path& folder);

/// Text from outside, fit for a one-line message and for JSON: in single quotes, UTF-8, control characters
/// and bytes that are no UTF-8 as \xNN, cut after about `longest` bytes.
std::string in_quotes(std::string_view text, std::size_t longest = 100);

}  // namespace elbow
