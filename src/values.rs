//! Values with a grammar, parsed once: quantities, durations, percents, host names, images and others.
