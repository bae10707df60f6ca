// Which Ringside this is. The source is written by the build, from what git says (cmake/RingsideVersion.cmake).
#pragma once

namespace ringside {

extern const char* const kVersion;

}  // namespace ringside
