// A stub of Unreal's MovieRenderPipelineCore: a job of the queue.
#pragma once

#include "Engine.h"

struct UMoviePipelineExecutorJob {
    FString JobName;
};
