// Nothing: a target needs a source, and those in cmake/RingsideBuild.cmake only have precompiled headers.
