// A stub of Unreal's MovieRenderPipelineCore: the delegates of an executor.
#pragma once

#include "MoviePipelineQueue.h"

struct UMoviePipeline {};

struct FMoviePipelineOutputData {
    UMoviePipeline *Pipeline;
    UMoviePipelineExecutorJob *Job;
    bool bSuccess;
};

class UMoviePipelineExecutorBase {
public:
    using FFinished = TDelegate<UMoviePipelineExecutorBase *, bool>;
    using FErrored = TDelegate<UMoviePipelineExecutorBase *, UMoviePipeline *, bool, FText>;
    FFinished &OnExecutorFinished() { return finished_; }
    FErrored &OnExecutorErrored() { return errored_; }

private:
    FFinished finished_;
    FErrored errored_;
};

class UMoviePipelinePIEExecutor : public UMoviePipelineExecutorBase {
public:
    using FWorkFinished = TDelegate<FMoviePipelineOutputData>;
    FWorkFinished &OnIndividualJobWorkFinished() { return work_; }

private:
    FWorkFinished work_;
};
