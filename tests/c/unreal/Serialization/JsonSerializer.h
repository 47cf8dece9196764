// A stub of Unreal's Json module: a writer into a text.
#pragma once

#include "../Dom/JsonObject.h"

template <class Unused = void> struct TJsonWriterFactory {
    static FString *Create(FString *text) { return text; }
};

struct FJsonSerializer {
    static bool Serialize(const TSharedRef<FJsonObject> &object, FString *text) {
        text->text_ = object->Text();
        return true;
    }
};
