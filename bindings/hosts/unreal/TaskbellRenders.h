// For Unreal Engine 5, checked by a stub written from its API, not in a real engine.
//
// Put this file, taskbell.hpp and taskbell.h into an editor module that depends on MovieRenderPipelineCore and
// Json and links libtaskbell, call taskbell_shutdown(2000) in its ShutdownModule, and watch the executor of the
// Movie Render Queue before it renders:
//
//     UMoviePipelinePIEExecutor* Executor = NewObject<UMoviePipelinePIEExecutor>(Subsystem);
//     TaskbellRenders::Watch(*Executor, TEXT("trailer"), TEXT("env:TEAM_URL"), Queue->GetJobs().Num());
//
// From https://dev.epicgames.com/documentation/en-us/unreal-engine/API/Plugins/MovieRenderPipelineCore.
#pragma once

#include "Dom/JsonObject.h"
#include "MoviePipelinePIEExecutor.h"
#include "MoviePipelineQueue.h"
#include "Serialization/JsonSerializer.h"

#include "taskbell.hpp"

#include <chrono>
#include <string>

DEFINE_LOG_CATEGORY_STATIC(LogTaskbell, Log, All);

namespace TaskbellRenders {

/// A queue that is rendered, as one batch: what became of its jobs.
struct FRender {
    FString Name;
    FString Fatal;
    int32 Total = 0;
    int32 Succeeded = 0;
    TArray<TSharedPtr<FJsonValue>> Failures;
    std::chrono::steady_clock::time_point Began = std::chrono::steady_clock::now();

    void Fail(const FString& Item, const FString& Reason) {
        const TSharedRef<FJsonObject> Error = MakeShared<FJsonObject>();
        Error->SetStringField(TEXT("message"), Reason);
        const TSharedRef<FJsonObject> Failure = MakeShared<FJsonObject>();
        Failure->SetStringField(TEXT("name"), Item);
        Failure->SetObjectField(TEXT("error"), Error);
        Failures.Add(MakeShared<FJsonValueObject>(Failure));
    }

    /// Reports the end. Its message is sent by the library's own threads, and waits in the spool if need be.
    void Finish(bool bSuccess) {
        if (!Fatal.IsEmpty()) {
            Fail(Name, Fatal);
        }
        const int32 Failed = Failures.Num();
        const std::chrono::duration<double> Took = std::chrono::steady_clock::now() - Began;
        const TSharedRef<FJsonObject> Event = MakeShared<FJsonObject>();
        Event->SetStringField(TEXT("id"), Name);
        const FString Ended = bSuccess ? TEXT("success") : TEXT("cancelled");
        Event->SetStringField(TEXT("status"), Failed > 0 ? FString(TEXT("error")) : Ended);
        Event->SetNumberField(TEXT("total"), FMath::Max(Total, Succeeded + Failed));
        Event->SetNumberField(TEXT("succeeded"), Succeeded);
        Event->SetNumberField(TEXT("failed"), Failed);
        Event->SetNumberField(TEXT("cancelled"), FMath::Max(Total - Succeeded - Failed, 0));
        Event->SetNumberField(TEXT("duration_s"), Took.count());
        Event->SetArrayField(TEXT("failures"), Failures);
        FString Text;
        FJsonSerializer::Serialize(Event, TJsonWriterFactory<>::Create(&Text));
        const std::string Json = TCHAR_TO_UTF8(*Text);
        if (taskbell_emit(nullptr, "batch.end", Json.data(), Json.size(), nullptr) != TASKBELL_OK) {
            UE_LOG(LogTaskbell, Warning, TEXT("the end of %s is not reported: %s"), *Name,
                UTF8_TO_TCHAR(taskbell::last_error().c_str()));
        }
    }
};

/// Listens to an executor until its queue is empty; on the game thread. The first configuration counts. Without
/// one it logs one sentence.
inline void Watch(UMoviePipelinePIEExecutor& Executor, const FString& Name, const FString& Config, int32 Total) {
    static bool bOpen = false;
    bOpen = bOpen || taskbell_init(TCHAR_TO_UTF8(*Config)) == TASKBELL_OK;
    if (!bOpen) {
        UE_LOG(LogTaskbell, Warning, TEXT("renders are not reported: %s"),
            UTF8_TO_TCHAR(taskbell::last_error().c_str()));
        return;
    }
    const TSharedRef<FRender> Render = MakeShared<FRender>();
    Render->Name = Name;
    Render->Total = Total;
    Executor.OnIndividualJobWorkFinished().AddLambda([Render](FMoviePipelineOutputData Output) {
        if (Output.bSuccess) {
            ++Render->Succeeded;
        } else {
            Render->Fail(Output.Job->JobName, TEXT("the pipeline has failed; the log of Unreal says why"));
        }
    });
    Executor.OnExecutorErrored().AddLambda(
        [Render](UMoviePipelineExecutorBase*, UMoviePipeline*, bool bFatal, FText Text) {
            Render->Fatal = bFatal ? Text.ToString() : Render->Fatal;
        });
    Executor.OnExecutorFinished().AddLambda(
        [Render](UMoviePipelineExecutorBase*, bool bSuccess) { Render->Finish(bSuccess); });
}

} // namespace TaskbellRenders
