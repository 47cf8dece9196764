// A stub of Unreal's Json module: values as the text that they are.
#pragma once

#include "../Engine.h"

class FJsonObject;

struct FJsonValue {
    std::string text;
};

class FJsonObject {
public:
    void SetStringField(const FString &name, const FString &value) { Set(name, "\"" + value.text_ + "\""); }
    void SetNumberField(const FString &name, double value) { Set(name, std::to_string(value)); }
    void SetObjectField(const FString &name, const TSharedPtr<FJsonObject> &value) { Set(name, value->Text()); }
    void SetArrayField(const FString &name, const TArray<TSharedPtr<FJsonValue>> &values) {
        std::string text;
        for (const auto &value : values.items) {
            text += (text.empty() ? "" : ",") + value->text;
        }
        Set(name, "[" + text + "]");
    }
    std::string Text() const { return "{" + members_ + "}"; }

private:
    void Set(const FString &name, const std::string &value) {
        members_ += (members_.empty() ? "\"" : ",\"") + name.text_ + "\":" + value;
    }
    std::string members_;
};

struct FJsonValueObject : FJsonValue {
    explicit FJsonValueObject(const TSharedPtr<FJsonObject> &object) : FJsonValue{object->Text()} {}
};
